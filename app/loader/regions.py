"""The tree of regions: nation, provinces and abroad, kabupaten/kota, kecamatan, kelurahan/desa."""

import polars as pl

from app.loader.problems import FieldError, Problem, SourceError
from app.loader.tables import read_rows, whole_number

FILE = "regions.csv.gz"
COLUMNS = ("id", "parent_id", "depth", "name")
NATION = 0
KELURAHAN_DEPTH = 4
LARGEST_ID = 10**9

SCHEMA = {"id": pl.Int64, "parent_id": pl.Int64, "depth": pl.Int8, "name": pl.String, "path": pl.String}
"""A row is a region, parents before children. The nation's parent is null; `path` are the ids from the province down,
with slashes between them."""

Row = tuple[int, int | None, int, str, str]


def read_regions(table: bytes) -> pl.DataFrame:
    """Read the tree.

    Args:
        table: The text of the table of regions.

    Returns:
        The columns of `SCHEMA`.

    Raises:
        SourceError: With every row that doesn't fit.
    """
    tree: dict[int, Row] = {}
    problems: list[Problem] = []
    for line, fields in read_rows(FILE, table, COLUMNS):
        if len(fields) != len(COLUMNS):
            problems.append(Problem(FILE, line, "", f"{len(fields)} fields instead of {len(COLUMNS)}"))
            continue
        try:
            region = _region(tree, *fields)
            tree[region[0]] = region
        except FieldError as error:
            problems.append(Problem(FILE, line, error.field, str(error)))
    if NATION not in tree and not problems:
        problems.append(Problem(FILE, 0, "id", "the nation (id 0) is missing"))
    if problems:
        raise SourceError(problems)
    return pl.DataFrame(list(tree.values()), SCHEMA, orient="row")


def kelurahan_of(regions: pl.DataFrame) -> pl.Series:
    """The ids of the kelurahan."""
    return regions.filter(pl.col("depth") == KELURAHAN_DEPTH)["id"]


def _region(tree: dict[int, Row], id_: str, parent_id: str, depth: str, name: str) -> Row:
    number = whole_number("id", id_, -LARGEST_ID, LARGEST_ID)
    if number in tree:
        raise FieldError("id", f"{number} is in the file twice")
    if not name.strip():
        raise FieldError("name", "is empty")
    if number == NATION:
        return number, None, 0, name, ""
    parent = tree.get(whole_number("parent_id", parent_id, -LARGEST_ID, LARGEST_ID))
    if parent is None:
        raise FieldError("parent_id", f"no region {parent_id} comes before this one")
    _, _, parent_depth, _, path = parent
    if whole_number("depth", depth, 1, KELURAHAN_DEPTH) != parent_depth + 1:
        raise FieldError("depth", f"{depth} under a region of depth {parent_depth}")
    return number, parent[0], parent_depth + 1, name, f"{path}/{number}" if path else str(number)
