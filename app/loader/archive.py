"""Writing a snapshot's archive: the same bytes for the same input, whole or not at all."""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from typing_extensions import Buffer

PACK_FROM_BYTES = 1400
"""Smaller files fit one network packet, packed or not."""

COMPRESS_LEVEL = 6
ETAG_SPREAD_SECONDS = 2**20


class HashingFile(io.BufferedIOBase):
    """Passes bytes on, and keeps the digest of what went through."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: Buffer, /) -> int:
        """Write the bytes."""
        self.digest.update(data)
        return self._file.write(data)


class ArchiveWriter:
    """A gzip-packed tar that is written from front to back.

    Args:
        out: Where the tar goes.
        mtime: The snapshot's time, in unix seconds.
    """

    def __init__(self, out: gzip.GzipFile, mtime: int) -> None:
        self._out = out
        self._mtime = mtime
        self._content = hashlib.sha256()
        self.files = 0

    @property
    def content_sha256(self) -> str:
        """The digest of all names and bodies so far, without what packing adds."""
        return self._content.hexdigest()

    def add(self, path: PurePosixPath, body: bytes) -> None:
        """Add a file and, where it pays, its packed form for clients that accept it."""
        self._content.update(f"{path}\0{len(body)}\0".encode() + body)
        # nginx makes an ETag of size and time: a digit corrected in a snapshot of the same time must change it.
        mtime = self._mtime - zlib.crc32(body) % ETAG_SPREAD_SECONDS
        self._member(str(path), body, mtime)
        if len(body) >= PACK_FROM_BYTES:
            self._member(f"{path}.gz", gzip.compress(body, 9, mtime=0), mtime)

    def end(self) -> None:
        """Write what marks a tar's end."""
        self._out.write(bytes(2 * tarfile.BLOCKSIZE))

    def _member(self, name: str, body: bytes, mtime: int) -> None:
        # tarfile.TarFile would keep a record of every member: 300 MB for the nation's million files.
        info = tarfile.TarInfo(name)
        info.size = len(body)
        info.mtime = mtime
        self._out.write(info.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % tarfile.BLOCKSIZE))
        self.files += 1


@contextmanager
def writing_archive(path: Path, mtime: int) -> Generator[tuple[ArchiveWriter, HashingFile], None, None]:
    """Open an archive for writing.

    Yields:
        The writer, and what knows the archive's own sha256 once the block is left.
    """
    with path.open("wb") as file:
        hashing = HashingFile(file)
        with gzip.GzipFile("", "wb", COMPRESS_LEVEL, hashing, mtime=0) as packed:
            archive = ArchiveWriter(packed, mtime)
            yield archive, hashing
            archive.end()
