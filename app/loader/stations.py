"""The polling stations (TPS) with their figures, a kelurahan's together."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.forms import Form
from app.loader.problems import FieldError, Problem
from app.loader.regions import KELURAHAN_DEPTH, Region
from app.loader.tables import Progress, read_table, whole_number

FILE = "tps.csv.gz"
FIGURES = ("votes_01", "votes_02", "valid_votes", "invalid_votes", "total_votes")
COLUMNS = (
    "kelurahan_id",
    "tps_number",
    "registered_male",
    "registered_female",
    *FIGURES,
    "first_photo_unix_s",
)
FIRST_ID = 900_000_001
"""The tables have no ids of polling stations: they are numbered from here in the file's order."""

UNKNOWN = -1
LARGEST_FIGURE = 999_999
"""Six digits are more than any station has; the largest figure entered in 2019 was a mistyped 105,200."""

LATEST_UNIX_S = 4_102_444_800  # the year 2100: a time in milliseconds is caught


@dataclass(frozen=True, slots=True)
class Station:
    """A polling station.

    Args:
        id: Its id in the published layout.
        number: Its number in the kelurahan, from 1.
        registered: Voters on its list; None if not known.
        form: Its figures; None if nothing is entered.
        entered_at: When its form arrived; None if not known.
    """

    id: int
    number: int
    registered: int | None
    form: Form | None
    entered_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Kelurahan:
    """A kelurahan's polling stations."""

    region: Region
    stations: list[Station]


def read_kelurahan(
    directory: Path,
    tree: Mapping[int, Region],
    report: Callable[[Problem], None],
    progress: Progress | None = None,
) -> Iterator[Kelurahan]:
    """Yield each kelurahan with its polling stations.

    A row that doesn't fit is reported and left out; if only its figures don't, the station stands as not entered.

    Args:
        directory: Where the tables are.
        tree: The regions.
        report: Told of each problem.
        progress: Told now and then how far it is.

    Raises:
        SourceError: The file can't be read at all.
    """
    current: Kelurahan | None = None
    numbers: set[int] = set()
    seen: set[int] = set()
    for index, (row, fields) in enumerate(read_table(directory / FILE, COLUMNS, progress)):
        if len(fields) != len(COLUMNS):
            report(Problem(FILE, row, "", f"{len(fields)} fields instead of {len(COLUMNS)}"))
            continue
        try:
            if current is None or fields[0] != str(current.region.id):
                region = _kelurahan(fields[0], tree, seen)
                if current:
                    yield current
                current, numbers = Kelurahan(region, []), set()
                seen.add(region.id)
            number = _number(fields[1], numbers)
        except FieldError as error:
            report(Problem(FILE, row, error.field, str(error)))
            continue
        numbers.add(number)
        current.stations.append(_station(FIRST_ID + index, number, fields, row, report))
    if current:
        yield current


def _kelurahan(text: str, tree: Mapping[int, Region], seen: set[int]) -> Region:
    region = tree.get(whole_number("kelurahan_id", text, -(10**9), 10**9))
    if region is None or region.depth != KELURAHAN_DEPTH:
        raise FieldError("kelurahan_id", f"{text} is no kelurahan in the table of regions")
    if region.id in seen:
        raise FieldError("kelurahan_id", f"the rows of {text} are not together")
    return region


def _number(text: str, taken: set[int]) -> int:
    number = whole_number("tps_number", text, 1, 99_999)
    if number in taken:
        raise FieldError("tps_number", f"{number} is in the kelurahan twice")
    return number


def _station(id_: int, number: int, fields: list[str], row: int, report: Callable[[Problem], None]) -> Station:
    try:
        return Station(id_, number, _registered(fields), _form(fields[4:9]), _time(fields[9]))
    except FieldError as error:
        report(Problem(FILE, row, error.field, str(error)))
        return Station(id_, number, None, None, None)


def _registered(fields: list[str]) -> int | None:
    male = whole_number("registered_male", fields[2], UNKNOWN, LARGEST_FIGURE)
    female = whole_number("registered_female", fields[3], UNKNOWN, LARGEST_FIGURE)
    return None if UNKNOWN in (male, female) else male + female


def _form(texts: list[str]) -> Form | None:
    if not any(texts):
        return None
    empty = [name for name, text in zip(FIGURES, texts, strict=True) if not text]
    if empty:
        raise FieldError(empty[0], "is empty, but other figures of the form are there")
    first, second, valid, invalid, total = (
        whole_number(name, text, 0, LARGEST_FIGURE) for name, text in zip(FIGURES, texts, strict=True)
    )
    return Form((first, second), valid, invalid, total)


def _time(text: str) -> dt.datetime | None:
    if not text:
        return None
    return dt.datetime.fromtimestamp(whole_number("first_photo_unix_s", text, 0, LATEST_UNIX_S), dt.UTC)
