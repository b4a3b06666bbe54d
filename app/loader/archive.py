"""A snapshot's archive: what travels to the hosts. The same bytes for the same files."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Buffer

COMPRESS_LEVEL = 1
"""The larger documents are packed already: more effort takes three times as long for a tenth less."""


class HashingFile(io.BufferedIOBase):
    """Passes bytes on, and keeps the digest of what went through."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: Buffer, /) -> int:
        """Write the bytes."""
        self.digest.update(data)
        return self._file.write(data)


def write_archive(path: Path, files: Sequence[Path], mtime: int) -> str:
    """Write a gzip-packed tar.

    Args:
        path: Where it goes.
        files: What is in it, by their names.
        mtime: The time of everything in it, in unix seconds.

    Returns:
        The archive's own sha256.
    """
    with path.open("wb") as file:
        hashing = HashingFile(file)
        with (
            gzip.GzipFile("", "wb", COMPRESS_LEVEL, hashing, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
        ):
            for each in files:
                member = tarfile.TarInfo(each.name)
                member.size, member.mtime = each.stat().st_size, mtime
                with each.open("rb") as content:
                    archive.addfile(member, content)
    return hashing.digest.hexdigest()
