"""Runs on an edge, with its own Python and nothing else: keeps what is published where the public can check it.

Its argument is JSON, made by `roles.scripts.public_archive`. Standard input of `add` is a snapshot as app hosts take
it, whole or as changes. A folder of the snapshot's name gets it, its manifest, the signature, and what the index says
of it; nothing is taken without a valid signature. What is too old is removed, once the index is without it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from roles.on_host.archive_index import (  # noqa: TC004  # it stands before this program
        CHANGES,
        INDEX,
        MANIFEST,
        SIGNATURE,
        SIGNERS,
        WHOLE,
        entry_of,
        index_of,
        kept,
    )

ENTRY, HALF_MADE, LOCK = "entri.json", ".half-made", ".lock"
CHUNK_BYTES = 1024 * 1024
SPARE_BYTES = 256 * 1024 * 1024
"""So much of the disk is left to the cache and the journal."""


class RefusedError(Exception):
    """Why it does not take it."""


def read(path: str) -> bytes:
    """What a file holds."""
    with open(path, "rb") as opened:
        return opened.read()


def write(path: str, content: bytes) -> None:
    """Write a file, so that no reader sees half of it."""
    with open(f"{path}.new", "wb") as opened:
        opened.write(content)
    os.replace(f"{path}.new", path)


def remove(folder: str, name: str) -> None:
    """Remove a snapshot: it is out of sight before half of it is gone."""
    aside = f"{folder}/.{name}{HALF_MADE}"
    os.rename(f"{folder}/{name}", aside)
    shutil.rmtree(aside)


def names(folder: str) -> "list[str]":
    """The snapshots that are there."""
    found = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(name for name in found if os.path.exists(f"{folder}/{name}/{ENTRY}"))


@contextlib.contextmanager
def alone(folder: str) -> "Generator[None, None, None]":
    """One at a time; what a run that died has left is removed."""
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{LOCK}", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in os.listdir(folder):
            if name.endswith(HALF_MADE):
                shutil.rmtree(f"{folder}/{name}")
        yield


def arrived(path: str, asked: "dict[str, Any]") -> None:
    """Write standard input into a file, and refuse it unless it is what was sent."""
    disk = os.statvfs(asked["folder"])
    if disk.f_bavail * disk.f_frsize <= asked["size_bytes"] + SPARE_BYTES:
        raise RefusedError(f"the disk is full: {asked['name']} has {asked['size_bytes'] // 2**20} MiB")
    digest = hashlib.sha256()
    with open(path, "wb") as opened:
        while piece := sys.stdin.buffer.read(CHUNK_BYTES):
            digest.update(piece)
            opened.write(piece)
    if digest.hexdigest() != asked["sha256"]:
        raise RefusedError(f"{asked['name']} arrived with another sha256")


def signed(path: str, asked: "dict[str, Any]") -> "list[bytes]":
    """The manifest and its signature, which come first in the file, if it is of this snapshot and signed by who may."""
    found: list[bytes] = []
    with tarfile.open(path, "r:gz") as archive:
        for expected in (MANIFEST, SIGNATURE):
            member = archive.next()
            body = archive.extractfile(member) if member and member.name == expected else None
            if body is None:
                raise RefusedError(f"{asked['name']} arrived without its {expected}")
            found.append(body.read())
    signature = f"{path}.sig"
    write(signature, found[1])
    argv = ["-f", asked["signers"], "-I", asked["signer"], "-n", asked["namespace"], "-s", signature]
    verified = subprocess.run(["ssh-keygen", "-Y", "verify", *argv], input=found[0], capture_output=True, check=False)
    os.unlink(signature)
    if verified.returncode or json.loads(found[0])["snapshot"] != asked["name"]:
        raise RefusedError(f"{asked['name']} has no valid signature of {asked['signer']} for {asked['namespace']}")
    return found


def add(asked: "dict[str, Any]") -> None:
    """Add a snapshot, if it isn't there, and bring the index to what is."""
    folder, name, made_of = asked["folder"], asked["name"], asked["made_of"]
    with alone(folder):
        if name not in names(folder):
            if made_of and made_of not in names(folder):
                raise RefusedError(f"{name} was made of {made_of}, which is not in the archive")
            half_made = f"{folder}/.{name}{HALF_MADE}"
            os.mkdir(half_made)
            path = f"{half_made}/{CHANGES if made_of else WHOLE}"
            arrived(path, asked)
            manifest, signature = signed(path, asked)
            entry = entry_of(manifest, made_of, asked["size_bytes"], asked["sha256"])
            for file, content in ((MANIFEST, manifest), (SIGNATURE, signature), (ENTRY, json.dumps(entry).encode())):
                write(f"{half_made}/{file}", content)
            os.rename(half_made, f"{folder}/{name}")
        entries = kept([json.loads(read(f"{folder}/{each}/{ENTRY}")) for each in names(folder)], asked["keep_days"])
        write(f"{folder}/{SIGNERS}", read(asked["signers"]))
        write(f"{folder}/{INDEX}", index_of(entries))
        for each in set(names(folder)) - {entry["nama"] for entry in entries}:
            remove(folder, each)


def main() -> int:
    """Do what is asked; return the exit code."""
    asked = json.loads(sys.argv[1])
    os.umask(0o022)
    try:
        if asked["act"] == "list":
            sys.stdout.write(json.dumps(names(asked["folder"])))
        else:
            add(asked)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
    except (EOFError, tarfile.TarError, ValueError, LookupError) as error:
        sys.stderr.write(f"{asked['name']} arrived with something else in it ({type(error).__name__}: {error})\n")
    except OSError as error:
        sys.stderr.write(f"{error.filename or asked['folder']}: {error.strerror or error}\n")
    else:
        return 0
    return 1


sys.exit(main())
