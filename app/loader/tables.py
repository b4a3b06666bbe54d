"""Reading the tables of a count: gzip-packed CSV with a header. Each is read once: what is checked is used."""

import csv
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.loader.problems import FieldError, Problem, SourceError

GZIP = 31
"""zlib's way to say that what it unpacks has gzip's frame."""

SHORT_DIGITS = 9
"""Most numbers are no longer; the others are looked at more closely."""

LARGEST_TABLE_BYTES = 2**28
"""Unpacked; the nation's is 36 MB. What unpacks to more is no table of a count, and would fill the memory."""


def read_packed(path: Path) -> bytes:
    """A table as it is in its file.

    Raises:
        SourceError: It can't be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise SourceError([Problem(path.name, 0, "", f"there is no such file in {path.parent}")]) from error
    except OSError as error:
        raise SourceError([Problem(path.name, 0, "", f"the file can't be read ({error.strerror})")]) from error


def unpack(name: str, packed: bytes) -> bytes:
    """A table's text.

    Args:
        name: The file's name, for what is wrong with it.
        packed: What is in it.

    Raises:
        SourceError: It is damaged, or unpacks to too much.
    """
    unpacking = zlib.decompressobj(wbits=GZIP)
    text = bytearray()
    try:
        while packed:
            text += unpacking.decompress(packed, LARGEST_TABLE_BYTES + 1 - len(text))
            if len(text) > LARGEST_TABLE_BYTES:
                raise SourceError([Problem(name, 0, "", f"unpacks to more than {LARGEST_TABLE_BYTES} bytes")])
            if not unpacking.eof:
                raise EOFError("it ends too early")
            packed = unpacking.unused_data.lstrip(b"\0")  # gzip files may follow each other, and be padded
            unpacking = zlib.decompressobj(wbits=GZIP)
    except (EOFError, zlib.error) as error:
        raise SourceError([Problem(name, 0, "", f"the file is damaged ({error})")]) from error
    return bytes(text)


def digest_of_source(*packed: bytes) -> str:
    """What tells one source from another: a digest of its tables, as they are in their files."""
    digest = hashlib.sha256()
    for each in packed:
        digest.update(hashlib.sha256(each).digest())
    return digest.hexdigest()


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
    if len(text) <= SHORT_DIGITS and text.isascii() and text.isdigit() and minimum <= (value := int(text)) <= maximum:
        return value
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
