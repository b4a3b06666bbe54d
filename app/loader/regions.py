"""The tree of regions: nation, provinces and abroad, kabupaten/kota, kecamatan, kelurahan/desa."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from app.election import Election
from app.loader.problems import FieldError, Kind, Problem, Report, SourceError, refusal, shown
from app.loader.tables import LARGEST_ID, read_rows, whole_number
from app.sirekap import CODE_DIGITS

COLUMNS = ("id", "parent_id", "depth", "name")
CODE = "code"
"""One more where the layout of 2024 is published: a region's official code."""

NATION = 0
KELURAHAN_DEPTH = 4
LONGEST_NAME = 100
"""Signs; the longest of 2019 has 32."""

FORMULA_BEGINS = ("=", "+", "-", "@")
"""A spreadsheet takes what begins so for a formula; abroad is marked with a plus, by us."""

SCHEMA = {
    "id": pl.Int64,
    "parent_id": pl.Int64,
    "depth": pl.Int8,
    "name": pl.String,
    "path": pl.String,
    "code": pl.String,
    "code_path": pl.String,
}
"""A row is a region, parents before children. The nation's parent is null; `path` are the ids from the province down,
with slashes between them, and `code_path` the codes. Both are empty where the table has no codes."""


class Region(NamedTuple):
    """A row of the table."""

    id: int
    parent_id: int | None
    depth: int
    name: str
    path: str
    code: str = ""
    code_path: str = ""


def columns_of(election: Election) -> tuple[str, ...]:
    """What the table's header says."""
    return (*COLUMNS, CODE) if election.is_sirekap else COLUMNS


def read_regions(table: bytes, election: Election, file: str) -> pl.DataFrame:
    """Read the tree.

    Args:
        table: The text of the table of regions.
        election: The one that it is of.
        file: What the table is called in messages.

    Returns:
        The columns of `SCHEMA`.

    Raises:
        SourceError: Rows don't fit.
    """
    tree: dict[int, Region] = {}
    codes: set[str] = set()
    problems = Report()
    columns = columns_of(election)
    for row, fields in read_rows(file, table, columns):
        if len(fields) != len(columns):
            problems.add(wrong_shape(file, row, fields, columns))
            continue
        try:
            region = _region(tree, election.abroad, *fields[: len(COLUMNS)])
            if election.is_sirekap:
                region = _with_code(tree, codes, region, fields[-1])
                codes.add(region.code)
            tree[region.id] = region
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


def kelurahan_abroad(regions: pl.DataFrame, election: Election) -> pl.Series:
    """The ids of the places abroad that are what a kelurahan is at home."""
    is_abroad = pl.col("path").str.starts_with(f"{election.abroad}/")
    return regions.filter((pl.col("depth") == KELURAHAN_DEPTH) & is_abroad)["id"]


def wrong_shape(file: str, row: int, fields: Sequence[str], columns: Sequence[str]) -> Problem:
    """The problem of a row that has not as many fields as the table has columns."""
    return Problem(Kind.SHAPE, file, row, "", f"{len(fields)} fields instead of {len(columns)}")


def _region(tree: Mapping[int, Region], abroad: int, id_: str, parent_id: str, depth: str, name: str) -> Region:
    number = whole_number("id", id_, -LARGEST_ID, LARGEST_ID)
    if number in tree:
        raise FieldError(Kind.TWICE, "id", f"{number} is in the file twice")
    _check_name(name)
    if number == NATION:
        return Region(number, None, 0, name, "")
    above = whole_number("parent_id", parent_id, -LARGEST_ID, LARGEST_ID)
    parent = tree.get(above)
    if parent is None:
        raise FieldError(Kind.UNKNOWN, "parent_id", f"no region {above} comes before this one")
    its = whole_number("depth", depth, 1, KELURAHAN_DEPTH)
    if its != parent.depth + 1:
        raise FieldError(Kind.PLACE, "depth", f"{its} under a region of depth {parent.depth}")
    if number == abroad and its != 1:
        raise FieldError(Kind.PLACE, "depth", f"{its} of what is abroad ({abroad}): that is a part of the nation")
    return Region(number, parent.id, its, name, f"{parent.path}/{number}" if parent.path else str(number))


def _with_code(tree: Mapping[int, Region], codes: Container[str], region: Region, code: str) -> Region:
    """The region with its official code, which begins with that of the region above it."""
    if region.parent_id is None:
        if code:
            raise FieldError(Kind.PLACE, CODE, f"{shown(code)} of the nation, which has none")
        return region
    parent, digits = tree[region.parent_id], CODE_DIGITS[region.depth]
    if not (code.isascii() and code.isdigit() and len(code) == digits and code.startswith(parent.code)):
        begins = f" that begin with {parent.code}" if parent.code else ""
        raise FieldError(Kind.PLACE, CODE, f"{shown(code)} is not {digits} digits{begins}")
    if code in codes:
        raise FieldError(Kind.TWICE, CODE, f"{code} is in the file twice")
    return region._replace(code=code, code_path=f"{parent.code_path}/{code}" if parent.code_path else code)


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
