"""Reading the tables of a count: gzip-packed CSV with a header, read row by row."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from app.loader.problems import FieldError, Problem, SourceError

Progress = Callable[[int, int], None]
"""Called with the packed bytes read so far and in all."""

REPORT_EVERY_ROWS = 5000


def read_table(path: Path, columns: Sequence[str], progress: Progress | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and fields of each row.

    Args:
        path: The table, packed with gzip.
        columns: The names its header must have.
        progress: Told now and then how far it is.

    Raises:
        SourceError: The file is missing, damaged, not UTF-8, or has another header.
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as packed, gzip.open(packed) as unpacked:
            rows = csv.reader(io.TextIOWrapper(unpacked, encoding="utf-8", newline=""), strict=True)
            header = next(rows, None)
            if header != list(columns):
                raise SourceError([Problem(path.name, 1, "", f"the header must be {','.join(columns)}")])
            for count, row in enumerate(rows):
                if progress and count % REPORT_EVERY_ROWS == 0:
                    progress(packed.tell(), size_bytes)
                yield rows.line_num, row
            if progress:
                progress(size_bytes, size_bytes)
    except FileNotFoundError as error:
        raise SourceError([Problem(path.name, 0, "", f"there is no such file in {path.parent}")]) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise SourceError([Problem(path.name, 0, "", f"the file is damaged ({error})")]) from error


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
