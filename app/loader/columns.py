"""The polling stations as columns: at once where the table is in order, row by row where anything is doubtful."""

import itertools
from collections.abc import Callable

import numpy as np
import polars as pl

from app.loader.problems import Problem
from app.loader.regions import kelurahan_of
from app.loader.stations import (
    FIRST_ID,
    LARGEST_FIGURE,
    REGISTERED,
    TIME,
    UNKNOWN,
    Columns,
    Rows,
    largest_number,
)

ROWS_AT_ONCE = 100_000

_PLAIN = np.zeros(256, np.bool_)
_PLAIN[list(b"0123456789-,\n")] = True
_COMMA, _LINE_END = ord(","), ord("\n")


def schema_of(columns: Columns) -> dict[str, type[pl.Int64]]:
    """What the table is read as: a row is a station. The time may be null; figures are there in groups, or null."""
    return dict.fromkeys(("id", "kelurahan_id", "number", *REGISTERED, *columns.figures, "time"), pl.Int64)


def read_stations(
    table: bytes, columns: Columns, regions: pl.DataFrame, latest: int, file: str, report: Callable[[Problem], None]
) -> pl.DataFrame:
    """The polling stations in the table's order, those of a kelurahan together.

    Args:
        table: The text of the table of polling stations.
        columns: Its columns.
        regions: See `app.loader.regions.SCHEMA`.
        latest: The latest time that a form may have, in unix seconds.
        file: What the table is called in messages.
        report: Told of each row that doesn't fit; see `app.loader.stations.Rows`.

    Returns:
        The columns of `schema_of`.

    Raises:
        SourceError: The table can't be read at all.
    """
    stations = take_at_once(table, columns, regions, latest)
    if stations is None:
        schema = schema_of(columns)
        rows = Rows(columns, frozenset(kelurahan_of(regions)), latest, file, report).read(table)
        # In parts: as Python's numbers, rows take ten times the memory.
        parts = iter(lambda: list(itertools.islice(rows, ROWS_AT_ONCE)), [])
        stations = pl.concat([pl.DataFrame([], schema), *(pl.DataFrame(part, schema, orient="row") for part in parts)])
    return stations


def take_at_once(table: bytes, columns: Columns, regions: pl.DataFrame, latest: int) -> pl.DataFrame | None:
    """The stations, if there is nothing whatever to say against the table."""
    if not is_plain(table, columns):
        return None
    try:
        found = pl.read_csv(table, schema=dict.fromkeys(columns.names, pl.Int64))
    except pl.exceptions.PolarsError:
        return None
    if not found.select(_in_order(columns, regions, latest)).item():
        return None
    return found.select(
        (pl.int_range(pl.len(), dtype=pl.Int64) + FIRST_ID).alias("id"),
        "kelurahan_id",
        pl.col("tps_number").alias("number"),
        *REGISTERED,
        *columns.figures,
        pl.col(TIME).alias("time"),
    )


def is_plain(table: bytes, columns: Columns) -> bool:
    """Whether the table is the header and lines of as many numbers, without anything that would need interpreting."""
    header = ",".join(columns.names).encode() + b"\n"
    if not table.startswith(header) or not table.endswith(b"\n"):
        return False
    text = np.frombuffer(table, np.uint8, offset=len(header))
    if not _PLAIN[text].all():
        return False
    ends = np.flatnonzero(text == _LINE_END)
    commas = np.flatnonzero(text == _COMMA)
    each = len(columns.names) - 1
    if len(commas) != each * len(ends):
        return False
    commas = commas.reshape(-1, each)
    return bool((commas[:, -1] < ends).all() and (commas[1:, 0] > ends[:-1]).all())


def _in_order(columns: Columns, regions: pl.DataFrame, latest: int) -> pl.Expr:
    """Whether no row breaks a rule of `app.loader.stations.Rows`."""
    kelurahan, number = pl.col("kelurahan_id"), pl.col("tps_number")
    there = [[pl.col(name).is_not_null() for name in group] for group in columns.groups]
    return pl.all_horizontal(
        kelurahan.is_in(kelurahan_of(regions).implode()).all() & kelurahan.is_not_null().all(),
        kelurahan.rle_id().max().fill_null(-1) + 1 == kelurahan.n_unique(),
        number.is_between(1, largest_number(columns)).all() & number.is_not_null().all(),
        ~pl.struct(kelurahan, number).is_duplicated().any(),
        *(
            pl.col(name).is_between(UNKNOWN, LARGEST_FIGURE).all() & pl.col(name).is_not_null().all()
            for name in REGISTERED
        ),
        *((pl.any_horizontal(group) == pl.all_horizontal(group)).all() for group in there),
        *(pl.col(name).is_between(0, LARGEST_FIGURE).all() for name in columns.figures),
        pl.col(TIME).is_between(0, latest).all(),
    )
