"""Files as they should be on a host, and how they travel there."""

import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

FileAction = tuple[str, ...]
"""A command that a file asks for when it has changed."""


@dataclass(frozen=True)
class HostFile:
    """A file as it should be on a host. Everything placed this way belongs to root.

    Args:
        path: Where on the host.
        content: Its bytes.
        mode: Permission bits.
        checker: The daemon's own checker; the word `staged/<path>` stands for the file before it is in place.
        actions: Commands to run when it has changed, in order; the same command runs once.
        drained: Whether the host must be out of the pool while they run.
        source: The template that it was made of, and where that is.
    """

    path: PurePosixPath
    content: bytes = field(repr=False)
    mode: int = 0o644
    checker: tuple[str, ...] = ()
    actions: tuple[FileAction, ...] = ()
    drained: bool = False
    source: str = "no template"

    @property
    def fingerprint(self) -> str:
        """What a host that has the file says of it: sha256, mode, owner and group."""
        return f"{hashlib.sha256(self.content).hexdigest()} {self.mode:o} root root"


def archive(files: Iterable[HostFile]) -> bytes:
    """The files as a tar for a host's standard input."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for file in files:
            info = tarfile.TarInfo(str(file.path).lstrip("/"))
            info.size, info.mode, info.uname, info.gname = len(file.content), file.mode, "root", "root"
            out.addfile(info, io.BytesIO(file.content))
    return buffer.getvalue()
