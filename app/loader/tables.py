"""Reading the tables of a count: gzip-packed CSV with a header. Each is read once: what is checked is used."""

import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.loader.problems import FieldError, Problem, SourceError

LARGEST_TABLE_BYTES = 2**28
"""Unpacked; the nation's is 36 MB. What unpacks to more is no table of a count, and would fill the memory."""


def read_whole(path: Path) -> bytes:
    """A table's text, unpacked.

    Raises:
        SourceError: The file is missing or damaged, or unpacks to too much.
    """
    unpacking = zlib.decompressobj(wbits=31)  # gzip's own frame
    try:
        rest, text = path.read_bytes(), bytearray()
        while rest:
            text += unpacking.decompress(rest, LARGEST_TABLE_BYTES + 1 - len(text))
            if len(text) > LARGEST_TABLE_BYTES:
                raise SourceError([Problem(path.name, 0, "", f"unpacks to more than {LARGEST_TABLE_BYTES} bytes")])
            if not unpacking.eof:
                raise EOFError("it ends too early")
            rest = unpacking.unused_data.lstrip(b"\0")  # gzip files may follow each other, and be padded
            unpacking = zlib.decompressobj(wbits=31)
    except FileNotFoundError as error:
        raise SourceError([Problem(path.name, 0, "", f"there is no such file in {path.parent}")]) from error
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError([Problem(path.name, 0, "", f"the file is damaged ({error})")]) from error
    return bytes(text)


def read_rows(name: str, table: bytes, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and fields of each row.

    Args:
        name: The file's name, for what is wrong with it.
        table: Its text.
        columns: The names its header must have.

    Raises:
        SourceError: It is not UTF-8 or no CSV, or has another header.
    """
    try:
        rows = csv.reader(io.TextIOWrapper(io.BytesIO(table), encoding="utf-8", newline=""), strict=True)
        if next(rows, None) != list(columns):
            raise SourceError([Problem(name, 1, "", f"the header must be {','.join(columns)}")])
        for row in rows:
            yield rows.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError([Problem(name, 0, "", f"the file is damaged ({error})")]) from error


def whole_number(field: str, text: str, minimum: int, maximum: int) -> int:
    """Read a whole number.

    Raises:
        FieldError: It is none, or out of bounds.
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise FieldError(field, f"'{text:.40}' is not a whole number")
    size = digits.lstrip("0") or "0"
    # Python reads no number of thousands of digits.
    fits = len(size) <= len(str(max(-minimum, maximum)))
    value = int(size) * (-1 if text.startswith("-") else 1) if fits else None
    if value is None or not minimum <= value <= maximum:
        raise FieldError(field, f"{text:.40} is not between {minimum} and {maximum}")
    return value
