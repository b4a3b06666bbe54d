"""The text of a table: CSV with a header, whatever it came in. What is doubtful in it is refused, never guessed.

Accepted, since they can be read in one way only: a mark of UTF-8 at the beginning (BOM), lines that all or partly end
as on Windows, gzip files after each other, fields in quotes. Refused: other encodings, a carriage return by itself,
other separators, other columns or the same in another order.
"""

import codecs
import csv
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence

from app.loader.problems import FieldError, Kind, Problem, Report, SourceError, refusal, shown

GZIP = 31
"""zlib's way to say that what it unpacks has gzip's frame."""

SHORT_DIGITS = 9
"""Most numbers are no longer; the others are looked at more closely."""

GZIP_BEGINS, PARQUET_BEGINS, UTF_16_BEGINS = b"\x1f\x8b", b"PAR1", (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"

LARGEST_TABLE_BYTES = 2**28
"""Of a file, and of what it unpacks to; the nation's is 36 MB. What is larger is no table of a count, and would fill
the memory."""

LARGEST_TABLE_ROWS = 2_000_000
"""The nation has 813,336 polling stations. Short rows take more memory than their text."""

LARGEST_ID = 10**9
"""Of a region, or of a place abroad, whose ids are below zero."""

MOST_GZIP_FILES = 10_000
"""After each other in one file: programs that pack on several cores make one of each 64 KiB or more."""

_CHUNK_BYTES = 2**16


def unpack(name: str, packed: bytes) -> bytes:
    """What a gzip file unpacks to.

    Args:
        name: The file's name, for what is wrong with it.
        packed: What is in it.

    Raises:
        SourceError: It is damaged, or unpacks to too much.
    """
    text, files, unpacking = bytearray(), 0, None
    try:
        for begin in range(0, len(packed), _CHUNK_BYTES):
            # In pieces: what follows a gzip file is handed back as a copy, for each of them.
            chunk = packed[begin : begin + _CHUNK_BYTES]
            while chunk:
                if unpacking is None:
                    chunk = chunk.lstrip(b"\0") if files else chunk  # gzip files may be padded
                    if not chunk:
                        break
                    unpacking, files = zlib.decompressobj(wbits=GZIP), files + 1
                    if files > MOST_GZIP_FILES:
                        raise refusal(Kind.DAMAGED, name, f"is more than {MOST_GZIP_FILES} gzip files after each other")
                text += unpacking.decompress(chunk, LARGEST_TABLE_BYTES + 1 - len(text))
                if len(text) > LARGEST_TABLE_BYTES:
                    raise refusal(Kind.DAMAGED, name, f"unpacks to more than {LARGEST_TABLE_BYTES} bytes")
                chunk = unpacking.unused_data if unpacking.eof else b""
                unpacking = None if unpacking.eof else unpacking
        if unpacking is not None:
            raise EOFError("it ends too early")
    except (EOFError, zlib.error) as error:
        raise refusal(Kind.DAMAGED, name, f"the file is damaged ({error})") from error
    return bytes(text)


def as_text(name: str, table: bytes) -> bytes:
    r"""The table's text in one form: UTF-8 without a mark, lines that end with \n.

    Args:
        name: The file's name, for what is wrong with it.
        table: What was read.

    Raises:
        SourceError: It is no text in UTF-8, can be read in more than one way, or has more rows than any count.
    """
    if not table:
        raise refusal(Kind.DAMAGED, name, "is empty")
    if table.startswith(UTF_16_BEGINS):
        raise refusal(Kind.DAMAGED, name, "is UTF-16: save it as UTF-8")
    if table.startswith((GZIP_BEGINS, PARQUET_BEGINS)):
        what = "packed by gzip: its name must end with .gz" if table.startswith(GZIP_BEGINS) else "Parquet: name it so"
        raise refusal(Kind.DAMAGED, name, f"is no text, but {what}")
    text = table.removeprefix(BOM)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
        lone = text.find(b"\r")
        if lone >= 0:
            why = "a carriage return without a line feed after it: save it with the line ends of Unix or Windows"
            raise refusal(Kind.DAMAGED, name, why, row=text.count(b"\n", 0, lone) + 1)
    if not text.isascii():
        _check_encoding(name, text)
    if text.count(b"\n") > LARGEST_TABLE_ROWS + 1:
        raise refusal(Kind.DAMAGED, name, f"has more than {LARGEST_TABLE_ROWS} rows")
    return text


def _check_encoding(name: str, text: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for end in range(_CHUNK_BYTES, len(text) + _CHUNK_BYTES, _CHUNK_BYTES):
        try:
            decoder.decode(text[end - _CHUNK_BYTES : end], final=end >= len(text))
        except UnicodeDecodeError as error:
            at = min(end, len(text)) - len(error.object) + error.start
            why = f"the byte {text[at]:#04x} is no UTF-8 ({error.reason}): save the table as UTF-8"
            raise refusal(Kind.DAMAGED, name, why, row=text.count(b"\n", 0, at) + 1) from error


def digest_of_source(*tables: bytes) -> str:
    """What tells one source from another: a digest of its tables, as they were read."""
    digest = hashlib.sha256()
    for each in tables:
        digest.update(hashlib.sha256(each).digest())
    return digest.hexdigest()


def read_rows(name: str, table: bytes, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line on which it begins, and the fields, of each row.

    Args:
        name: The file's name, for what is wrong with it.
        table: Its text, in the form of `as_text`.
        columns: The names its header must have.

    Raises:
        SourceError: It is no CSV, or has another header.
    """
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(table), encoding="utf-8", newline="\n"), strict=True)
    line = 1
    try:
        header = next(rows, list[str]())
        if header != list(columns):
            raise SourceError(_about_header(name, header, columns))
        line = rows.line_num + 1
        for row in rows:
            yield line, row
            line = rows.line_num + 1
    except csv.Error as error:
        raise refusal(Kind.DAMAGED, name, f"the file is damaged ({error})", row=line) from error


def _about_header(name: str, header: Sequence[str], columns: Sequence[str]) -> Report:
    """What is wrong with a header that is not the one it must be."""
    report = Report()

    def say(text: str, column: str = "") -> None:
        report.add(Problem(Kind.HEADER, name, 1, column, text))

    say(f"the header must be {','.join(columns)}")
    if len(header) == 1 and (separator := next((sign for sign in ";\t|" if sign in header[0]), None)):
        say(f"its columns are separated by {separator!r}: save it with commas")
        return report
    for column in columns:
        times = header.count(column)
        if times != 1:
            say(f"the column is there {times} times" if times else "the column is missing", column)
    for column in dict.fromkeys(header):
        if column not in columns:
            say(f"the column {shown(column)} is unknown")
    if len(report) == 1:
        say(f"the columns are in another order: {','.join(header)}")
    return report


def whole_number(field: str, text: str, minimum: int, maximum: int) -> int:
    """Read a whole number.

    Raises:
        FieldError: It is none, or out of bounds.
    """
    if len(text) <= SHORT_DIGITS and text.isascii() and text.isdigit() and minimum <= (value := int(text)) <= maximum:
        return value
    if not text:
        raise FieldError(Kind.EMPTY, field, "is empty")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise FieldError(Kind.NO_NUMBER, field, f"{shown(text)} is not a whole number")
    size = digits.lstrip("0") or "0"
    # Python reads no number of thousands of digits.
    fits = len(size) <= len(str(max(-minimum, maximum)))
    value = int(size) * (-1 if text.startswith("-") else 1) if fits else None
    if value is None or not minimum <= value <= maximum:
        raise FieldError(Kind.BOUNDS, field, f"{text:.40} is not between {minimum} and {maximum}")
    return value
