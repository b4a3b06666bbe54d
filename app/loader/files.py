"""A table in a directory: found by its name, and read once, whole, from a file that stays as it is meanwhile."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.loader.problems import Kind, refusal
from app.loader.tables import LARGEST_TABLE_BYTES, unpack

FORMS = (".csv.gz", ".csv", ".parquet")
"""What a table's name may end with."""

_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Reading:
    """A file as it was read.

    Args:
        path: Where it is.
        data: What is in it.
        state: What would be another if somebody had written to it, or put another file in its place.
    """

    path: Path
    data: bytes
    state: tuple[int, ...]

    def check_unchanged(self) -> None:
        """Refuse what has been changed since it was read.

        Raises:
            SourceError: It has.
        """
        try:
            now = _state(self.path.stat())
        except OSError:
            now = None
        if now != self.state:
            raise _changed(self.path)


def read_files(directory: Path, tables: Sequence[str]) -> list[Reading]:
    """Read the files of several tables, as they are together.

    Args:
        directory: Where they are.
        tables: Their names without what says the form; one with an ending is the name of a file of one form.

    Raises:
        SourceError: One isn't there or can't be read, is there in two forms, or was changed before all were read.
    """
    readings = [read_file(find_file(directory, table)) for table in tables]
    for reading in readings:
        reading.check_unchanged()
    return readings


def find_file(directory: Path, table: str) -> Path:
    """The one file of a table.

    Raises:
        SourceError: There is none, or more than one.
    """
    names = [table] if Path(table).suffix else [f"{table}{form}" for form in FORMS]
    # What is there by name is found, whatever it is: a link to nowhere is not a missing file.
    found = [path for name in names if os.path.lexists(path := directory / name)]
    if not found:
        if not directory.is_dir():
            raise refusal(Kind.SOURCE, str(directory), "there is no such directory")
        listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        raise refusal(Kind.SOURCE, listed, f"there is no such file in {directory}")
    if len(found) > 1:
        both = " and ".join(path.name for path in found)
        raise refusal(Kind.SOURCE, both, "are the same table: leave the one that is meant, and move the other away")
    return found[0]


def read_file(path: Path) -> Reading:
    """Read a file whole.

    Args:
        path: The file.

    Raises:
        SourceError: It can't be read, is no file or too large, or was written to meanwhile.
    """
    try:
        _check_regular(path, path.stat())  # before it is opened: that alone does something to some devices
        # Without waiting for a writer, should it have become a FIFO since.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            _check_regular(path, before)
            data = bytearray()
            # One byte more than there should be: a file that grows is noticed, and none is read for ever.
            while block := file.read(min(_BLOCK_BYTES, before.st_size + 1 - len(data))):
                data += block
            after = os.fstat(file.fileno())
    except OSError as error:
        raise refusal(Kind.SOURCE, path.name, f"the file can't be read ({error.strerror})") from error
    if _state(before) != _state(after) or len(data) != before.st_size:
        raise _changed(path)
    return Reading(path, bytes(data), _state(after))


def unpacked(reading: Reading) -> bytes:
    """The text of a table in CSV.

    Raises:
        SourceError: It is damaged, or too large.
    """
    return unpack(reading.path.name, reading.data) if reading.path.suffix == ".gz" else reading.data


def _check_regular(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise refusal(Kind.SOURCE, path.name, f"is no file, but {_what(found.st_mode)}")
    if found.st_size > LARGEST_TABLE_BYTES:
        raise refusal(Kind.SOURCE, path.name, f"has more than {LARGEST_TABLE_BYTES} bytes: that is no table of a count")


def _what(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _changed(path: Path) -> Exception:
    why = "was changed while it was read: write a table beside it, and rename it when it is whole"
    return refusal(Kind.SOURCE, path.name, why)
