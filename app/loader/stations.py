"""The polling stations (TPS) with their figures: read row by row, which finds and names whatever doesn't fit."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

from app.loader.problems import FieldError, Problem
from app.loader.tables import read_rows, whole_number

FILE = "tps.csv.gz"
REGISTERED = ("registered_male", "registered_female")
FIGURES = ("votes_01", "votes_02", "valid_votes", "invalid_votes", "total_votes")
COLUMNS = (
    "kelurahan_id",
    "tps_number",
    *REGISTERED,
    *FIGURES,
    "first_photo_unix_s",
)
FIRST_ID = 900_000_001
"""The tables have no ids of polling stations: they are numbered from here in the file's order."""

UNKNOWN = -1
LARGEST_FIGURE = 999_999
"""Six digits are more than any station has; the largest figure entered in 2019 was a mistyped 105,200."""

LARGEST_NUMBER = 99_999

Row = tuple[int | None, ...]
"""A station's id, kelurahan and number, its registered voters (UNKNOWN where they are), its figures in the order of
FIGURES, and its form's time."""


@dataclass
class Rows:
    """Reads the table row by row.

    Args:
        kelurahan: The ids of the kelurahan.
        latest: The latest time that a form may have, in unix seconds: one from the future would date the whole count.
        report: Told of each row that doesn't fit. It is left out; if only its figures don't, it stands as not entered.
    """

    kelurahan: Container[int]
    latest: int
    report: Callable[[Problem], None]
    _kelurahan: str = ""
    _numbers: set[int] = field(default_factory=set[int])
    _seen: set[int] = field(default_factory=set[int])

    def read(self, table: bytes) -> Iterator[Row]:
        """Yield each station, those of a kelurahan together.

        Raises:
            SourceError: The table can't be read at all.
        """
        for index, (line, fields) in enumerate(read_rows(FILE, table, COLUMNS)):
            if len(fields) != len(COLUMNS):
                self.report(Problem(FILE, line, "", f"{len(fields)} fields instead of {len(COLUMNS)}"))
                continue
            try:
                kelurahan, number = self._place(fields)
            except FieldError as error:
                self.report(Problem(FILE, line, error.field, str(error)))
                continue
            yield FIRST_ID + index, kelurahan, number, *self._form(fields, line)

    def _place(self, fields: list[str]) -> tuple[int, int]:
        """The kelurahan, and the number in it."""
        text = fields[0]
        if text != self._kelurahan:
            region = whole_number("kelurahan_id", text, -(10**9), 10**9)
            if region not in self.kelurahan:
                raise FieldError("kelurahan_id", f"{text} is no kelurahan in the table of regions")
            if region in self._seen:
                raise FieldError("kelurahan_id", f"the rows of {text} are not together")
            self._kelurahan, self._numbers = text, set()
            self._seen.add(region)
        number = whole_number("tps_number", fields[1], 1, LARGEST_NUMBER)
        if number in self._numbers:
            raise FieldError("tps_number", f"{number} is in the kelurahan twice")
        self._numbers.add(number)
        return int(text), number

    def _form(self, fields: list[str], line: int) -> Row:
        """Registered voters, figures and time."""
        try:
            registered = zip(REGISTERED, fields[2:4], strict=True)
            known = [whole_number(name, text, UNKNOWN, LARGEST_FIGURE) for name, text in registered]
            return *known, *_figures(fields[4:-1]), self._time(fields[-1])
        except FieldError as error:
            self.report(Problem(FILE, line, error.field, str(error)))
            return *(UNKNOWN for _ in REGISTERED), *(None for _ in FIGURES), None

    def _time(self, text: str) -> int | None:
        return whole_number(COLUMNS[-1], text, 0, self.latest) if text else None


def _figures(texts: list[str]) -> Row:
    if not any(texts):
        return tuple(None for _ in FIGURES)
    empty = [name for name, text in zip(FIGURES, texts, strict=True) if not text]
    if empty:
        raise FieldError(empty[0], "is empty, but other figures of the form are there")
    return tuple(whole_number(name, text, 0, LARGEST_FIGURE) for name, text in zip(FIGURES, texts, strict=True))
