"""Archives of files: what travels to the hosts. The same bytes for the same files."""

import gzip
import os
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path


def write_archive(path: Path, files: Sequence[Path], *, effort: int) -> None:
    """Write a gzip-packed tar; whole, or not at all.

    Args:
        path: Where it goes.
        files: What is in it, by their names.
        effort: gzip's, 1 to 9.
    """
    descriptor, half_made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            gzip.GzipFile("", "wb", effort, file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
        ):
            for each in files:
                member = tarfile.TarInfo(each.name)
                member.size = each.stat().st_size
                with each.open("rb") as content:
                    archive.addfile(member, content)
        Path(half_made).replace(path)
    finally:
        Path(half_made).unlink(missing_ok=True)
