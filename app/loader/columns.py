"""The polling stations as columns: at once where the table is in order, row by row where anything is doubtful."""

import itertools
from collections.abc import Callable

import numpy as np
import polars as pl

from app.loader.problems import Problem
from app.loader.regions import kelurahan_of
from app.loader.stations import (
    COLUMNS,
    FIGURES,
    FIRST_ID,
    LARGEST_FIGURE,
    LARGEST_NUMBER,
    REGISTERED,
    UNKNOWN,
    Rows,
)

SCHEMA: dict[str, type[pl.Int64]] = dict.fromkeys(
    ("id", "kelurahan_id", "number", *REGISTERED, *FIGURES, "time"), pl.Int64
)
"""A row is a station. The time may be null; the figures are all there, or all null."""

ROWS_AT_ONCE = 100_000

_PLAIN = np.zeros(256, np.bool_)
_PLAIN[list(b"0123456789-,\n")] = True
_COMMA, _LINE_END = ord(","), ord("\n")


def read_stations(
    table: bytes, regions: pl.DataFrame, latest: int, file: str, report: Callable[[Problem], None]
) -> pl.DataFrame:
    """The polling stations in the table's order, those of a kelurahan together.

    Args:
        table: The text of the table of polling stations.
        regions: See `app.loader.regions.SCHEMA`.
        latest: The latest time that a form may have, in unix seconds.
        file: What the table is called in messages.
        report: Told of each row that doesn't fit; see `app.loader.stations.Rows`.

    Returns:
        The columns of `SCHEMA`.

    Raises:
        SourceError: The table can't be read at all.
    """
    stations = take_at_once(table, regions, latest)
    if stations is None:
        rows = Rows(frozenset(kelurahan_of(regions)), latest, file, report).read(table)
        # In parts: as Python's numbers, rows take ten times the memory.
        parts = iter(lambda: list(itertools.islice(rows, ROWS_AT_ONCE)), [])
        stations = pl.concat([pl.DataFrame([], SCHEMA), *(pl.DataFrame(part, SCHEMA, orient="row") for part in parts)])
    return stations


def take_at_once(table: bytes, regions: pl.DataFrame, latest: int) -> pl.DataFrame | None:
    """The stations, if there is nothing whatever to say against the table."""
    if not is_plain(table):
        return None
    try:
        found = pl.read_csv(table, schema=dict.fromkeys(COLUMNS, pl.Int64))
    except pl.exceptions.PolarsError:
        return None
    if not found.select(_in_order(regions, latest)).item():
        return None
    return found.select(
        (pl.int_range(pl.len(), dtype=pl.Int64) + FIRST_ID).alias("id"),
        "kelurahan_id",
        pl.col("tps_number").alias("number"),
        *REGISTERED,
        *FIGURES,
        pl.col(COLUMNS[-1]).alias("time"),
    )


def is_plain(table: bytes) -> bool:
    """Whether the table is the header and lines of as many numbers, without anything that would need interpreting."""
    header = ",".join(COLUMNS).encode() + b"\n"
    if not table.startswith(header) or not table.endswith(b"\n"):
        return False
    text = np.frombuffer(table, np.uint8, offset=len(header))
    if not _PLAIN[text].all():
        return False
    ends = np.flatnonzero(text == _LINE_END)
    commas = np.flatnonzero(text == _COMMA)
    each = len(COLUMNS) - 1
    if len(commas) != each * len(ends):
        return False
    commas = commas.reshape(-1, each)
    return bool((commas[:, -1] < ends).all() and (commas[1:, 0] > ends[:-1]).all())


def _in_order(regions: pl.DataFrame, latest: int) -> pl.Expr:
    """Whether no row breaks a rule of `app.loader.stations.Rows`."""
    kelurahan, number, figures = pl.col("kelurahan_id"), pl.col("tps_number"), [pl.col(name) for name in FIGURES]
    some = pl.any_horizontal(figure.is_not_null() for figure in figures)
    every = pl.all_horizontal(figure.is_not_null() for figure in figures)
    return pl.all_horizontal(
        kelurahan.is_in(kelurahan_of(regions).implode()).all() & kelurahan.is_not_null().all(),
        kelurahan.rle_id().max().fill_null(-1) + 1 == kelurahan.n_unique(),
        number.is_between(1, LARGEST_NUMBER).all() & number.is_not_null().all(),
        ~pl.struct(kelurahan, number).is_duplicated().any(),
        *(
            pl.col(name).is_between(UNKNOWN, LARGEST_FIGURE).all() & pl.col(name).is_not_null().all()
            for name in REGISTERED
        ),
        (some == every).all(),
        *(figure.is_between(0, LARGEST_FIGURE).all() for figure in figures),
        pl.col(COLUMNS[-1]).is_between(0, latest).all(),
    )
