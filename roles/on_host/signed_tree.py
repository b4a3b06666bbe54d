"""Runs on a host, before the program that looks around there (see `roles.scripts.examination`): compares files.

A release is compared with the signed archive that it came in, which the host keeps beside it; a snapshot with its
signed manifest, which has the digest of each file. What counts is the signature: the archive or manifest and everything
beside it could be altered together.
"""

import gzip
import hashlib
import io
import json
import marshal
import os
import subprocess
import sys
import tempfile
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType
    from typing import Any, BinaryIO

BLOCK = 512
READ_BYTES = 1024 * 1024
NAMED = 10
"""How many differences are named; all are counted."""

COMPLETE, SIGNED, CACHE = ".complete", ".signed", "__pycache__"
ARCHIVE, SIGNATURE = "archive.tar.gz", "signature"
PYC_HEADER = 16
"""Bytes before the code in a compiled file (PEP 552)."""


class NotSignedError(Exception):
    """Why nothing can be said of a directory."""


def check_signature(path: str, signature: str, asked: "dict[str, Any]") -> None:
    """Refuse a file that isn't signed by who may.

    Raises:
        NotSignedError: It isn't, or is not there.
    """
    if not (os.path.isfile(path) and os.path.isfile(signature)):
        raise NotSignedError(f"the host does not keep its signed {asked['signed']}")
    signer, namespace = asked["signer"], asked["namespace"]
    with tempfile.NamedTemporaryFile("w") as allowed, open(path, "rb") as body:
        allowed.write(asked["signers"])
        allowed.flush()
        argv = ["ssh-keygen", "-Y", "verify", "-f", allowed.name, "-I", signer, "-n", namespace, "-s", signature]
        if subprocess.run(argv, stdin=body, capture_output=True, check=False).returncode != 0:
            raise NotSignedError(f"its {asked['signed']} has no valid signature of {signer} for {namespace}")


class Member:
    """A file of a tar, whose body is read once.

    Args:
        name: Its name.
        size: Its bytes.
        packed: The tar, where the body begins.
    """

    def __init__(self, name: str, size: int, packed: "BinaryIO") -> None:
        self.name, self._left, self._packed = name, size, packed

    def pieces(self) -> "Iterator[bytes]":
        """What is left of the body: a snapshot's is larger than a small host's memory."""
        while self._left and (piece := self._packed.read(min(self._left, READ_BYTES))):
            self._left -= len(piece)
            yield piece


def members(packed: "BinaryIO") -> "Iterator[Member]":
    """The files of a tar."""
    while (header := packed.read(BLOCK)) and any(header):
        if header[156:157] not in b"0\0" or len(header) < BLOCK:
            raise NotSignedError("its archive holds something else than files")
        name, prefix = (header[start:end].rstrip(b"\0").decode() for start, end in ((0, 100), (345, 500)))
        size = int(header[124:136].rstrip(b"\0 "), 8)
        member = Member(f"{prefix}/{name}" if prefix else name, size, packed)
        yield member
        for _ in member.pieces():
            pass
        packed.read(-size % BLOCK)


def holds(path: str, pieces: "Iterable[bytes]") -> bool:
    """Whether a file says this and nothing else; not where it is a link to another."""
    try:
        with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)) as there:
            return all(there.read(len(piece)) == piece for piece in pieces) and not there.read(1)
    except OSError:
        return False


def differs(directory: str, name: str, pieces: "Iterable[bytes]") -> bool:
    """Whether a file is not as signed, or what Python compiled of it is not what it compiles to."""
    path = f"{directory}/{name}"
    if not name.endswith(".py"):
        return not holds(path, pieces)
    body = b"".join(pieces)
    if not holds(path, [body]):
        return True
    folder, module = os.path.split(path)
    compiled = os.path.join(folder, CACHE, f"{module.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc")
    return os.path.lexists(compiled) and not is_compiled_from(compiled, body)


def is_compiled_from(compiled: str, source: bytes) -> bool:
    """Whether Python would run the same code from a file of __pycache__, which it takes in place of the source."""
    try:
        with open(compiled, "rb") as file:
            code: CodeType = marshal.loads(file.read()[PYC_HEADER:])  # noqa: S302  # who could write it is root here
        return compile(source, code.co_filename, "exec", dont_inherit=True) == code
    except (OSError, AttributeError, EOFError, SyntaxError, TypeError, ValueError):
        return False


class Folders:
    """What belongs into each folder of a directory: names, and whether they are folders."""

    def __init__(self) -> None:
        self._names: dict[str, set[tuple[str, bool]]] = {"": set()}

    def add(self, name: str, *, folder: bool = False) -> None:
        """Note a file, and the folders that it is in."""
        parent, own = os.path.split(name)
        if parent not in self._names:
            self._names[parent] = set()
            self.add(parent, folder=True)
        self._names[parent].add((own, folder))

    def strange(self, directory: str) -> "list[str]":
        """Those that hold something else than was signed."""
        return [folder or "." for folder, signed in self._names.items() if there(directory, folder) != signed]


def there(directory: str, folder: str) -> "set[tuple[str, bool]] | None":
    """What is in a folder, beside what receiving left there; what is compiled is compared with its source."""
    found: set[tuple[str, bool]] = set()
    try:
        with os.scandir(os.path.join(directory, folder)) as entries:
            for each in entries:
                is_folder = each.is_dir(follow_symlinks=False)
                if not (is_folder and each.name == CACHE) and (folder or each.name not in {COMPLETE, SIGNED}):
                    found.add((each.name, is_folder))
    except OSError:
        return None
    return found


def compare_archive(directory: str, asked: "dict[str, Any]") -> "dict[str, Any]":
    """Compare a directory with the archive that it came in.

    Args:
        directory: Where it was unpacked.
        asked: With `manifest`: the file that says under its own name what it is; its folder's name must be the same.

    Raises:
        NotSignedError: The archive is another's, or not signed.
    """
    archive, manifest = os.path.join(directory, SIGNED, ARCHIVE), asked["manifest"]
    check_signature(archive, os.path.join(directory, SIGNED, SIGNATURE), asked)
    folders, altered = Folders(), list[str]()
    files, name_signed = 0, None
    with gzip.open(archive) as packed:
        for member in members(io.BufferedReader(packed, READ_BYTES)):
            name, pieces = member.name, member.pieces()
            files += 1
            folders.add(name)
            if name == manifest:
                pieces = [*pieces]
                name_signed = json.loads(b"".join(pieces))[manifest.removesuffix(".json")]
            altered += [name] if differs(directory, name, pieces) else []
    if name_signed != os.path.basename(directory):
        raise NotSignedError(f"its archive is that of {name_signed}")
    return found_in(directory, files, altered, folders)


def compare_manifest(directory: str, asked: "dict[str, Any]") -> "dict[str, Any]":
    """Compare a directory with its own manifest; see `compare_archive`.

    Raises:
        NotSignedError: The manifest is another's, or not signed.
    """
    manifest = asked["manifest"]
    signature = f"{manifest}.sig"
    check_signature(os.path.join(directory, manifest), os.path.join(directory, signature), asked)
    with open(os.path.join(directory, manifest), "rb") as file:
        said = json.loads(file.read())
    name_signed = said[manifest.removesuffix(".json")]
    if name_signed != os.path.basename(directory):
        raise NotSignedError(f"its manifest is that of {name_signed}")
    folders = Folders()
    for name in (manifest, signature, *said["files"]):
        folders.add(name)
    altered = [name for name, sha256 in said["files"].items() if sha256_of(f"{directory}/{name}") != sha256]
    return found_in(directory, len(said["files"]), altered, folders)


def sha256_of(path: str) -> "str | None":
    """A file's digest; None where there is none, or a link to another."""
    try:
        with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def found_in(directory: str, files: int, altered: "list[str]", folders: Folders) -> "dict[str, Any]":
    """What is told of a directory."""
    return {
        "files": files,
        "altered": altered[:NAMED],
        "altered_files": len(altered),
        "strange": folders.strange(directory)[:NAMED],
    }


def examine_tree(directory: str, asked: "dict[str, Any]") -> "dict[str, Any]":
    """What differs in a directory from what was signed; or why nothing can be said of it."""
    try:
        return (compare_archive if asked["signed"] == "archive" else compare_manifest)(directory, asked)
    except (NotSignedError, OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        return {"unknown": " ".join(str(error).split()) or type(error).__name__}
