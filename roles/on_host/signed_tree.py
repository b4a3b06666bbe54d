"""Runs on a host, before the program that looks around there (see `roles.scripts.examination`): compares files.

A release or snapshot is compared with the signed archive that it came in, which the host keeps beside it. What counts
is the signature: the archive, its sha256 and everything unpacked from it could be altered together.
"""

import gzip
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


def check_signature(directory: str, signers: str, signer: str, namespace: str) -> str:
    """The path of the archive that a directory came in, if it is signed by who may.

    Raises:
        NotSignedError: It isn't, or is not there.
    """
    archive, signature = (os.path.join(directory, SIGNED, name) for name in (ARCHIVE, SIGNATURE))
    if not (os.path.isfile(archive) and os.path.isfile(signature)):
        raise NotSignedError("the host does not keep its signed archive")
    with tempfile.NamedTemporaryFile("w") as allowed, open(archive, "rb") as body:
        allowed.write(signers)
        allowed.flush()
        argv = ["ssh-keygen", "-Y", "verify", "-f", allowed.name, "-I", signer, "-n", namespace, "-s", signature]
        if subprocess.run(argv, stdin=body, capture_output=True, check=False).returncode != 0:
            raise NotSignedError(f"its archive has no valid signature of {signer} for {namespace}")
    return archive


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


def number_of(name: str, *, folder: bool) -> int:
    """A number for an entry of a folder; nobody outside this process can foresee it: Python's hashes have a secret."""
    return hash((name, folder))


class Folders:
    """What belongs into each folder of a directory, as a sum: a million names would not fit a small host's memory."""

    def __init__(self) -> None:
        self._sums: dict[str, int] = {"": 0}

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, name: str, *, folder: bool = False) -> None:
        """Note a file, and the folders that it is in."""
        parent, own = os.path.split(name)
        if parent not in self._sums:
            self._sums[parent] = 0
            self.add(parent, folder=True)
        self._sums[parent] += number_of(own, folder=folder)

    def strange(self, directory: str) -> "list[str]":
        """Those that hold something else than was signed."""
        return [folder or "." for folder, signed in self._sums.items() if self._there(directory, folder) != signed]

    def _there(self, directory: str, folder: str) -> "int | None":
        total = 0
        try:
            with os.scandir(os.path.join(directory, folder)) as entries:
                for each in entries:
                    is_folder = each.is_dir(follow_symlinks=False)
                    # What receiving left there beside what was signed; what is compiled is compared with its source.
                    if not (is_folder and each.name == CACHE) and (folder or each.name not in {COMPLETE, SIGNED}):
                        total += number_of(each.name, folder=is_folder)
        except OSError:
            return None
        return total


def compare(directory: str, archive: str, manifest: str) -> "dict[str, Any]":
    """Compare a directory with its archive.

    Args:
        directory: Where it was unpacked.
        archive: What was signed.
        manifest: The file that says under `name` what it is; its folder's name must be the same.

    Raises:
        NotSignedError: The archive is another's.
    """
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
    return {
        "files": files,
        "altered": altered[:NAMED],
        "altered_files": len(altered),
        "strange": folders.strange(directory)[:NAMED],
    }


def examine_tree(directory: str, asked: "dict[str, Any]") -> "dict[str, Any]":
    """What differs in a directory from what was signed; or why nothing can be said of it."""
    try:
        archive = check_signature(directory, asked["signers"], asked["signer"], asked["namespace"])
        return compare(directory, archive, asked["manifest"])
    except (NotSignedError, OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        return {"unknown": " ".join(str(error).split()) or type(error).__name__}
