"""Runs on a host, with its own Python and nothing else: takes a snapshot from standard input, whole or as changes.

Its argument is JSON, made by `roles.scripts.snapshots`. What comes is a packed tar: the manifest, its signature, then
the files; or, of a snapshot that was made of one that the host has, the new segment and `changes.json`, of which the
index is made here (app/pack.py says what is in it). Nothing counts that does not fit the digests of the manifest, and
the manifest only with its signature. Until all does, it lies in a folder that nothing reads.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from array import array
from bisect import bisect_left
from typing import IO, Any

MANIFEST, SIGNATURE, CHANGES, COMPLETE = "snapshot.json", "snapshot.json.sig", "changes.json", ".complete"
SIGNED = (MANIFEST, SIGNATURE)
"""What comes first."""

KEYS, PLACES, DIGESTS, TIMES = "keys", "places", "digests", "times"
FILE_NAMES = re.compile(r"bodies-\d{1,3}|keys|places|digests|times|stamp|changes\.json|snapshot\.json(\.sig)?")
KEY_BYTES, DIGEST_BYTES = 8, 16
LENGTH_BITS, OFFSET_SHIFT, SEGMENT_SHIFT = 22, 23, 56
CHUNK_BYTES = 1024 * 1024


class RefusedError(Exception):
    """Why the host does not take it."""


def sha256_of(path: str) -> str:
    """A file's digest."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read(path: str) -> bytes:
    """What a file holds."""
    with open(path, "rb") as opened:
        return opened.read()


def write(path: str, content: "bytes | bytearray | array[int]") -> None:
    """Write a file; nobody reads it yet."""
    with open(path, "wb") as opened:
        opened.write(content)


def check_room(asked: "dict[str, Any]") -> None:
    """Refuse before anything is written what the disk has no room for."""
    found = os.statvfs(asked["snapshots"])
    if found.f_bavail * found.f_frsize <= asked["needs_bytes"]:
        raise RefusedError(f"the disk is full: {asked['name']} needs {asked['needs_bytes'] // 2**20} MiB")


def gathered(asked: "dict[str, Any]") -> str:
    """Where all of an archive has arrived, after what came of it before; what broke off is kept for the next time."""
    path = asked["part"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "ab" if asked["goes_on"] else "wb") as opened:
        shutil.copyfileobj(sys.stdin.buffer, opened, CHUNK_BYTES)
    arrived, size = os.path.getsize(path), asked["size_bytes"]
    if arrived < size:
        raise RefusedError(f"{arrived} of {size} bytes of {asked['name']} arrived; the next time goes on from there")
    if arrived > size or sha256_of(path) != asked["sha256"]:
        os.unlink(path)
        raise RefusedError(f"{asked['name']} arrived with another sha256")
    return path


def check_signature(folder: str, asked: "dict[str, Any]") -> "dict[str, Any]":
    """The manifest, if it is of this snapshot and signed by who may."""
    signed = ["-f", asked["signers"], "-I", asked["signer"], "-n", asked["namespace"], "-s", f"{folder}/{SIGNATURE}"]
    text = read(f"{folder}/{MANIFEST}")
    if subprocess.run(["ssh-keygen", "-Y", "verify", *signed], input=text, capture_output=True, check=False).returncode:
        raise RefusedError(f"{asked['name']} has no valid signature of {asked['signer']} for {asked['namespace']}")
    manifest: dict[str, Any] = json.loads(text)
    if manifest["snapshot"] != asked["name"]:
        raise RefusedError(f"what arrived is {manifest['snapshot']}, not {asked['name']}")
    return manifest


def unpack(packed: "IO[bytes]", folder: str, asked: "dict[str, Any]") -> "tuple[dict[str, Any], dict[str, str]]":
    """Unpack into a folder: first what is signed. Returns the manifest, and the digest of each file that came."""
    manifest, found = dict[str, Any](), dict[str, str]()
    with tarfile.open(fileobj=packed, mode="r|gz") as archive:
        for number, member in enumerate(archive):
            body = archive.extractfile(member) if member.isreg() else None
            expected = dict(enumerate(SIGNED)).get(number, member.name)
            if body is None or member.name != expected or not FILE_NAMES.fullmatch(member.name):
                raise RefusedError(f"{asked['name']} arrived with {member.name}, which is no file of a snapshot")
            digest = hashlib.sha256()
            with open(f"{folder}/{member.name}", "xb") as opened:
                while piece := body.read(CHUNK_BYTES):
                    digest.update(piece)
                    opened.write(piece)
            found[member.name] = digest.hexdigest()
            if member.name == SIGNATURE:
                manifest = check_signature(folder, asked)
    if not manifest:
        raise RefusedError(f"{asked['name']} arrived without its manifest")
    return manifest, found


class Index:
    """An index, into which changes are written: see app/pack.py.

    Args:
        folder: Of the snapshot that has it.
    """

    def __init__(self, folder: str) -> None:
        self.keys, self.places, self.times = array("Q"), array("Q"), array("I")
        for column, name in ((self.keys, KEYS), (self.places, PLACES), (self.times, TIMES)):
            column.frombytes(read(f"{folder}/{name}"))
        self.digests = bytearray(read(f"{folder}/{DIGESTS}"))

    def change(self, changes: "dict[str, Any]", bodies: bytes, modified: int) -> bool:
        """Write the changes into it; whether there are other keys now."""
        new: list[tuple[int, int, int, bytes]] = []
        offset = 0
        segment = changes["segment"] << SEGMENT_SHIFT
        for text, length, stamped in zip(changes["addresses"], changes["lengths"], changes["stamped"], strict=True):
            address = text.encode()
            body = bodies[offset : offset + length]
            key = key_of(address)
            place = segment | offset << OFFSET_SHIFT | stamped << LENGTH_BITS | length
            digest = hashlib.sha256(b"%b%c%b" % (address, stamped, body)).digest()[:DIGEST_BYTES]
            at = bisect_left(self.keys, key)
            if at < len(self.keys) and self.keys[at] == key:
                self.places[at], self.times[at] = place, modified
                self.digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES] = digest
            else:
                new.append((at, key, place, digest))
            offset += length
        gone = {bisect_left(self.keys, key_of(text.encode())) for text in changes["removed"]}
        if new or gone:
            self._rebuild(sorted(new), gone, modified)
        return bool(new or gone)

    def _rebuild(self, new: "list[tuple[int, int, int, bytes]]", gone: "set[int]", modified: int) -> None:
        """With entries before those at some places, and without those at others."""
        keys, places, times, digests = array("Q"), array("Q"), array("I"), bytearray()
        begin = 0
        cuts = sorted(
            [(at, 0, key, place, digest) for at, key, place, digest in new] + [(at, 1, 0, 0, b"") for at in gone]
        )
        for at, is_gone, key, place, digest in cuts:
            keys += self.keys[begin:at]
            places += self.places[begin:at]
            times += self.times[begin:at]
            digests += self.digests[begin * DIGEST_BYTES : at * DIGEST_BYTES]
            begin = at + is_gone
            if not is_gone:
                keys.append(key)
                places.append(place)
                times.append(modified)
                digests += digest
        self.keys, self.places = keys + self.keys[begin:], places + self.places[begin:]
        self.times, self.digests = times + self.times[begin:], digests + self.digests[begin * DIGEST_BYTES :]


def key_of(address: bytes) -> int:
    """The key of an address."""
    return int.from_bytes(hashlib.sha256(address).digest()[:KEY_BYTES], "little")


def make(folder: str, manifest: "dict[str, Any]", asked: "dict[str, Any]") -> "dict[str, str]":
    """Make a snapshot of the one before and the changes; the digest of each file that is not as it came."""
    changes = json.loads(read(f"{folder}/{CHANGES}"))
    os.unlink(f"{folder}/{CHANGES}")
    base = f"{asked['snapshots']}/{changes['from']}"
    if not os.path.exists(f"{base}/{COMPLETE}"):
        raise RefusedError(f"{asked['name']} was made of {changes['from']}, which this host has not")
    known: dict[str, str] = json.loads(read(f"{base}/{MANIFEST}"))["files"]
    segment = f"{folder}/bodies-{changes['segment']}"
    index = Index(base)
    other_keys = index.change(changes, read(segment) if os.path.exists(segment) else b"", manifest["modified"])
    columns = {PLACES: index.places, DIGESTS: index.digests, TIMES: index.times}
    found: dict[str, str] = {}
    for name, column in {**columns, **({KEYS: index.keys} if other_keys else {})}.items():
        write(f"{folder}/{name}", column)
        found[name] = hashlib.sha256(column).hexdigest()
    for name in set(manifest["files"]) - {*found, *os.listdir(folder)}:
        # Held against its digest when it came, and twice a minute since (app/check.py).
        os.link(f"{base}/{name}", f"{folder}/{name}")
        found[name] = known.get(name, "")
    return found


def receive(asked: "dict[str, Any]") -> None:
    """Take the snapshot."""
    target = f"{asked['snapshots']}/{asked['name']}"
    if os.path.exists(f"{target}/{COMPLETE}"):
        with open(os.devnull, "wb") as nowhere:
            shutil.copyfileobj(sys.stdin.buffer, nowhere)
        return
    os.makedirs(asked["snapshots"], exist_ok=True)
    check_room(asked)
    folder = f"{target}.half-made"
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    try:
        whole = gathered(asked) if asked["part"] else None
        with open(whole, "rb") if whole else sys.stdin.buffer as packed:
            manifest, found = unpack(packed, folder, asked)
        if CHANGES in found:
            del found[CHANGES]
            found |= make(folder, manifest, asked)
        wanted = {**manifest["files"], MANIFEST: found[MANIFEST], SIGNATURE: found[SIGNATURE]}
        wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        if wrong:
            raise RefusedError(f"{asked['name']} did not arrive as it was signed: {', '.join(wrong)}")
        write(f"{folder}/{COMPLETE}", b"")
        shutil.rmtree(target, ignore_errors=True)  # where it is, it is not complete
        os.rename(folder, target)
        if whole:
            os.unlink(whole)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Take it; return the exit code."""
    asked = json.loads(sys.argv[1])
    os.umask(0o022)
    try:
        receive(asked)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        sys.stderr.write(f"{asked['name']} did not arrive whole ({error})\n")
    except (ValueError, LookupError, TypeError) as error:
        sys.stderr.write(f"{asked['name']} arrived with something else in it ({type(error).__name__}: {error})\n")
    except OSError as error:
        sys.stderr.write(f"{error.filename or asked['name']}: {error.strerror or error}\n")
    else:
        return 0
    return 1


sys.exit(main())
