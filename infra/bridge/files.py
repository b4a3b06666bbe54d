"""Files that are there whole or not at all, with the modes that they should have, whatever the umask is.

Standard library only: set-up uses it before anything is installed.
"""

import contextlib
import os
import shlex
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import IO

from infra.bridge.errors import OperatorError

UMASK = 0o022
"""What commands that make files for others run under; an operator's own would travel into what they make."""

PUBLIC, PRIVATE = 0o644, 0o600
DIRECTORY, PRIVATE_DIRECTORY = 0o755, 0o700
OTHERS = 0o077
"""Permission bits that a private key's file must not have."""

LONGEST_PREFIX = 200
"""Of a half-made file's name: with what makes it unique it stays within the file system's 255 bytes."""


def write_whole(path: Path, content: bytes, mode: int = PUBLIC, owner: int | None = None) -> None:
    """Write a file whole or not at all; its directory is made if need be.

    Args:
        path: The file.
        content: What is in it.
        mode: Its permission bits.
        owner: Its uid and gid, one number; whoever writes it, if it isn't said.

    Raises:
        OperatorError: It can't be written; what was there is there still.
    """
    try:
        with writing_whole(path, mode, owner) as file:
            file.write(content)
    except OSError as error:
        raise OperatorError(
            f"{path.name} can't be written: {error.strerror}; what was there is there still",
            next_command=f"df -h {path.parent}, and ls -ld {path.parent}",
        ) from error


def write_if_other(path: Path, content: bytes) -> None:
    """Write a file whole, if it isn't there as it should be: looking at a stack must work where nothing can be written.

    Raises:
        OperatorError: It can't be written; what was there is there still.
    """
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return
    write_whole(path, content)


def refuse_open(directory: Path, private: str) -> None:
    """Refuse a private key that others on this machine can read; one that isn't there is not refused.

    Args:
        directory: The project's folder.
        private: Its file, a path from there.

    Raises:
        OperatorError: They can: it may have been copied, and ssh wouldn't use it.
    """
    file = directory / private
    if file.exists() and file.stat().st_mode & OTHERS:
        raise OperatorError(
            f"{private} can be read by others on this machine; nothing was changed",
            next_command=f"chmod 600 {shlex.quote(private)}",
        )


def read_utf8(path: Path) -> str:
    """Read a text file.

    Raises:
        OperatorError: It is not UTF-8; the message has the line.
    """
    content = path.read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OperatorError(
            f"{path.name} is not UTF-8: line {line} has the byte 0x{content[error.start]:02x}",
            next_command=f"$EDITOR {shlex.quote(str(path))}",
        ) from error


@contextlib.contextmanager
def writing_whole(path: Path, mode: int = PUBLIC, owner: int | None = None) -> Generator[IO[bytes], None, None]:
    """A file to write to, which takes the other's place when all is written, and goes if that fails.

    Whoever writes the same file at the same time has a half-made one of its own: one of them is there in the end, and
    never a mixture.

    Args:
        path: The file.
        mode: Its permission bits.
        owner: Its uid and gid, one number; whoever writes it, if it isn't said.

    Raises:
        OSError: It can't be written; what was there is there still.
    """
    make_directory(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:LONGEST_PREFIX]}.", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            os.fchmod(descriptor, mode)
            if owner is not None:
                os.fchown(descriptor, owner, owner)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def make_directory(path: Path, mode: int = DIRECTORY, owner: int | None = None) -> None:
    """Make a directory, and those above it that are missing; what is there stays as it is.

    Args:
        path: The directory.
        mode: Its permission bits; those above it can be looked into by everybody.
        owner: The uid and gid of each that is made, one number; whoever makes them, if it isn't said.
    """
    for directory in reversed([each for each in (path, *path.parents) if not each.exists()]):
        wanted = mode if directory == path else DIRECTORY
        with contextlib.suppress(FileExistsError):  # somebody else made it meanwhile
            directory.mkdir(mode=wanted)
            directory.chmod(wanted)
            if owner is not None:
                os.chown(directory, owner, owner)
