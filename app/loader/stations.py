"""The polling stations (TPS) with their figures: read row by row, which finds and names whatever doesn't fit."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

from app.election import Election
from app.loader.problems import FieldError, Kind, Problem
from app.loader.regions import wrong_shape
from app.loader.tables import LARGEST_ID, read_rows, whole_number

REGISTERED = ("registered_male", "registered_female")
VALID, INVALID, VOTERS = "valid_votes", "invalid_votes", "total_votes"
TIME = "first_photo_unix_s"
PLACE = ("kelurahan_id", "tps_number")

ADMINISTRATION = (
    "suara_total",
    "pemilih_dpt_j",
    "pengguna_dpt_j",
    "pengguna_dpt_l",
    "pengguna_dpt_p",
    "pengguna_dptb_j",
    "pengguna_dptb_l",
    "pengguna_dptb_p",
    "pengguna_total_l",
    "pengguna_total_p",
    "pengguna_non_dpt_j",
    "pengguna_non_dpt_l",
    "pengguna_non_dpt_p",
)
"""What the form of 2024 says beside, by the layout's names; the other five of its eighteen are columns of any election.
Sums are columns of their own, since what was entered doesn't always add up."""


@dataclass(frozen=True)
class Columns:
    """The columns of an election's table of polling stations.

    Args:
        votes: A column for each candidate, in ballot order.
        summary: What the form says beside.
        apart: Whether votes and the rest may be there one without the other, as they were entered in 2024.
    """

    votes: tuple[str, ...]
    summary: tuple[str, ...]
    apart: bool

    @property
    def figures(self) -> tuple[str, ...]:
        """Those that are empty where nothing is entered."""
        return *self.votes, *self.summary

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The figures, by what is there together or not at all."""
        return (self.votes, self.summary) if self.apart else (self.figures,)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as the header has them."""
        return *PLACE, *REGISTERED, *self.figures, TIME


def columns_of(election: Election) -> Columns:
    """The columns of the table of an election."""
    votes = tuple(f"votes_{candidate.padded}" for candidate in election.candidates)
    more = ADMINISTRATION if election.is_sirekap else ()
    return Columns(votes, (VALID, INVALID, VOTERS, *more), apart=election.is_sirekap)


FIRST_ID = 900_000_001
"""The tables have no ids of polling stations: they are numbered from here in the file's order."""

UNKNOWN = -1
LARGEST_FIGURE = 999_999
"""Six digits are more than any station has; the largest figure entered in 2019 was a mistyped 105,200."""

LARGEST_NUMBER, LARGEST_CODED_NUMBER = 99_999, 999
"""Of a polling station in its kelurahan. In the layout of 2024 it is the last three digits of its code."""

Row = tuple[int | None, ...]
"""A station's id, kelurahan and number, its registered voters (UNKNOWN where they are), its figures in the order of
the columns, and its form's time."""


@dataclass
class Rows:
    """Reads the table row by row.

    Args:
        columns: The table's.
        kelurahan: The ids of the kelurahan.
        latest: The latest time that a form may have, in unix seconds: one from the future would date the whole count.
        file: What the table is called in messages.
        report: Told of each row that doesn't fit. It is left out; if only its figures don't, it stands as not entered.
    """

    columns: Columns
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
        for index, (line, fields) in enumerate(read_rows(self.file, table, self.columns.names)):
            if len(fields) != len(self.columns.names):
                self.report(wrong_shape(self.file, line, fields, self.columns.names))
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
        number = whole_number("tps_number", fields[1], 1, largest_number(self.columns))
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
            return *known, *self._figures(fields[4:-1]), self._time(fields[-1])
        except FieldError as error:
            self.report(error.at(self.file, line))
            return *(UNKNOWN for _ in REGISTERED), *(None for _ in self.columns.figures), None

    def _figures(self, texts: list[str]) -> Row:
        figures: list[int | None] = []
        for group in self.columns.groups:
            of_group = texts[len(figures) : len(figures) + len(group)]
            empty = [name for name, text in zip(group, of_group, strict=True) if not text]
            if empty and len(empty) < len(group):
                raise FieldError(Kind.EMPTY, empty[0], "is empty, but other figures of the form are there")
            named = zip(group, of_group, strict=True)
            figures += [None if empty else whole_number(name, text, 0, LARGEST_FIGURE) for name, text in named]
        return tuple(figures)

    def _time(self, text: str) -> int | None:
        return whole_number(TIME, text, 0, self.latest) if text else None


def largest_number(columns: Columns) -> int:
    """The largest number that a polling station may have in its kelurahan."""
    return LARGEST_CODED_NUMBER if columns.apart else LARGEST_NUMBER
