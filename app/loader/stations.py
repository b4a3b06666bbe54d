"""The polling stations (TPS) with their figures: read row by row, which finds and names whatever doesn't fit."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

from app.loader.problems import FieldError, Kind, Problem
from app.loader.regions import LARGEST_ID, wrong_shape
from app.loader.tables import read_rows, whole_number

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
        file: What the table is called in messages.
        report: Told of each row that doesn't fit. It is left out; if only its figures don't, it stands as not entered.
    """

    kelurahan: Container[int]
    latest: int
    file: str
    report: Callable[[Problem], None]
    _text: str | None = None
    _kelurahan: int = LARGEST_ID + 1
    _numbers: set[int] = field(default_factory=set[int])
    _seen: set[int] = field(default_factory=set[int])

    def read(self, table: bytes) -> Iterator[Row]:
        """Yield each station, those of a kelurahan together.

        Raises:
            SourceError: The table can't be read at all.
        """
        for index, (line, fields) in enumerate(read_rows(self.file, table, COLUMNS)):
            if len(fields) != len(COLUMNS):
                self.report(wrong_shape(self.file, line, fields, COLUMNS))
                continue
            try:
                kelurahan, number = self._place(fields)
            except FieldError as error:
                self.report(error.at(self.file, line))
                continue
            yield FIRST_ID + index, kelurahan, number, *self._form(fields, line)

    def _place(self, fields: list[str]) -> tuple[int, int]:
        """The kelurahan, and the number in it."""
        if fields[0] != self._text:
            self._enter(whole_number("kelurahan_id", fields[0], -LARGEST_ID, LARGEST_ID))
            self._text = fields[0]
        number = whole_number("tps_number", fields[1], 1, LARGEST_NUMBER)
        if number in self._numbers:
            raise FieldError(Kind.TWICE, "tps_number", f"{number} is in the kelurahan twice")
        self._numbers.add(number)
        return self._kelurahan, number

    def _enter(self, id_: int) -> None:
        """Go on in a kelurahan, or begin with it."""
        if id_ == self._kelurahan:  # written in another way, as 0017 for 17
            return
        if id_ not in self.kelurahan:
            raise FieldError(Kind.UNKNOWN, "kelurahan_id", f"{id_} is no kelurahan in the table of regions")
        if id_ in self._seen:
            raise FieldError(Kind.PLACE, "kelurahan_id", f"the rows of {id_} are not together")
        self._kelurahan, self._numbers = id_, set()
        self._seen.add(id_)

    def _form(self, fields: list[str], line: int) -> Row:
        """Registered voters, figures and time."""
        try:
            registered = zip(REGISTERED, fields[2:4], strict=True)
            known = [whole_number(name, text, UNKNOWN, LARGEST_FIGURE) for name, text in registered]
            return *known, *_figures(fields[4:-1]), self._time(fields[-1])
        except FieldError as error:
            self.report(error.at(self.file, line))
            return *(UNKNOWN for _ in REGISTERED), *(None for _ in FIGURES), None

    def _time(self, text: str) -> int | None:
        return whole_number(COLUMNS[-1], text, 0, self.latest) if text else None


def _figures(texts: list[str]) -> Row:
    if not any(texts):
        return tuple(None for _ in FIGURES)
    empty = [name for name, text in zip(FIGURES, texts, strict=True) if not text]
    if empty:
        raise FieldError(Kind.EMPTY, empty[0], "is empty, but other figures of the form are there")
    return tuple(whole_number(name, text, 0, LARGEST_FIGURE) for name, text in zip(FIGURES, texts, strict=True))
