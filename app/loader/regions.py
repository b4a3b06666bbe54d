"""The tree of regions: nation, provinces and abroad, kabupaten/kota, kecamatan, kelurahan/desa."""

from collections.abc import Sequence

import polars as pl

from app.layout import ABROAD
from app.loader.problems import FieldError, Kind, Problem, Report, SourceError, refusal, shown
from app.loader.tables import read_rows, whole_number

COLUMNS = ("id", "parent_id", "depth", "name")
NATION = 0
KELURAHAN_DEPTH = 4
LARGEST_ID = 10**9
LONGEST_NAME = 100
"""Signs; the longest of 2019 has 32."""

FORMULA_BEGINS = ("=", "+", "-", "@")
"""A spreadsheet takes what begins so for a formula; abroad is marked with a plus, by us."""

SCHEMA = {"id": pl.Int64, "parent_id": pl.Int64, "depth": pl.Int8, "name": pl.String, "path": pl.String}
"""A row is a region, parents before children. The nation's parent is null; `path` are the ids from the province down,
with slashes between them."""

Row = tuple[int, int | None, int, str, str]


def read_regions(table: bytes, file: str) -> pl.DataFrame:
    """Read the tree.

    Args:
        table: The text of the table of regions.
        file: What the table is called in messages.

    Returns:
        The columns of `SCHEMA`.

    Raises:
        SourceError: Rows don't fit.
    """
    tree: dict[int, Row] = {}
    problems = Report()
    for row, fields in read_rows(file, table, COLUMNS):
        if len(fields) != len(COLUMNS):
            problems.add(wrong_shape(file, row, fields, COLUMNS))
            continue
        try:
            region = _region(tree, *fields)
            tree[region[0]] = region
        except FieldError as error:
            problems.add(error.at(file, row))
    if NATION not in tree and not problems:
        raise refusal(Kind.UNKNOWN, file, "the nation (id 0) is missing", column="id")
    if problems:
        raise SourceError(problems)
    return pl.DataFrame(list(tree.values()), SCHEMA, orient="row")


def kelurahan_of(regions: pl.DataFrame) -> pl.Series:
    """The ids of the kelurahan."""
    return regions.filter(pl.col("depth") == KELURAHAN_DEPTH)["id"]


def wrong_shape(file: str, row: int, fields: Sequence[str], columns: Sequence[str]) -> Problem:
    """The problem of a row that has not as many fields as the table has columns."""
    return Problem(Kind.SHAPE, file, row, "", f"{len(fields)} fields instead of {len(columns)}")


def _region(tree: dict[int, Row], id_: str, parent_id: str, depth: str, name: str) -> Row:
    number = whole_number("id", id_, -LARGEST_ID, LARGEST_ID)
    if number in tree:
        raise FieldError(Kind.TWICE, "id", f"{number} is in the file twice")
    _check_name(name)
    if number == NATION:
        return number, None, 0, name, ""
    above = whole_number("parent_id", parent_id, -LARGEST_ID, LARGEST_ID)
    parent = tree.get(above)
    if parent is None:
        raise FieldError(Kind.UNKNOWN, "parent_id", f"no region {above} comes before this one")
    _, _, parent_depth, _, path = parent
    its = whole_number("depth", depth, 1, KELURAHAN_DEPTH)
    if its != parent_depth + 1:
        raise FieldError(Kind.PLACE, "depth", f"{its} under a region of depth {parent_depth}")
    if number == ABROAD and its != 1:
        raise FieldError(Kind.PLACE, "depth", f"{its} of what is abroad ({ABROAD}): that is a part of the nation")
    return number, parent[0], its, name, f"{path}/{number}" if path else str(number)


def _check_name(name: str) -> None:
    if not name.strip():
        raise FieldError(Kind.EMPTY, "name", "is empty")
    if len(name) > LONGEST_NAME:
        raise FieldError(Kind.TEXT, "name", f"{shown(name)} goes on: it has more than {LONGEST_NAME} signs")
    if not name.isprintable():
        sign = next(sign for sign in name if not sign.isprintable())
        raise FieldError(Kind.TEXT, "name", f"{shown(name)} has a sign that can't be seen, U+{ord(sign):04X}")
    if name.startswith(FORMULA_BEGINS):
        raise FieldError(Kind.TEXT, "name", f"{shown(name)} begins as a formula does")
