"""Adding up: from the polling stations to the nation, a level at a time."""

import polars as pl

from app.forms import CANDIDATES
from app.layout import ABROAD
from app.loader.regions import KELURAHAN_DEPTH
from app.loader.stations import FIGURES

VOTES = FIGURES[: len(CANDIDATES)]
VALID, INVALID, VOTERS = FIGURES[len(CANDIDATES) :]
COUNTS = ("stations", "entered", "contradictory", *VOTES)
"""What is added up of a region: its polling stations, of these those with figures, and those whose form contradicts
itself; and the votes."""


def with_flags(stations: pl.DataFrame) -> pl.DataFrame:
    """Say of each polling station whether it has figures, and whether they contradict each other."""
    entered = pl.col(VALID).is_not_null()
    can_be = (pl.sum_horizontal(VOTES) == pl.col(VALID)) & (pl.col(VALID) + pl.col(INVALID) <= pl.col(VOTERS))
    return stations.with_columns(entered=entered, contradictory=entered & ~can_be)


def add_up(stations: pl.DataFrame, regions: pl.DataFrame) -> list[pl.DataFrame]:
    """The levels of the tree, the nation first.

    Args:
        stations: The polling stations, with flags.
        regions: See `app.loader.regions.SCHEMA`.

    Returns:
        A table a level, a row a region in their order: `id`, `parent_id` (null of the nation), `name`, `path`
        (text: the ids from the province down), `abroad`, and the columns of COUNTS.
    """
    known = regions.with_columns(abroad=pl.col("id") == ABROAD)
    levels = [known.filter(pl.col("depth") == depth).drop("depth") for depth in range(KELURAHAN_DEPTH + 1)]
    counts = stations.group_by("kelurahan_id").agg(
        pl.len().cast(pl.Int64).alias("stations"),
        pl.col("entered", "contradictory").sum().cast(pl.Int64),
        pl.col(VOTES).sum(),
    )
    found = [_counted(levels[KELURAHAN_DEPTH], counts.rename({"kelurahan_id": "id"}))]
    for level in reversed(levels[:KELURAHAN_DEPTH]):
        below = found[-1].group_by("parent_id").agg(pl.col(COUNTS).sum())
        found.append(_counted(level, below.rename({"parent_id": "id"})))
    return found[::-1]


def _counted(level: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    return level.join(counts, on="id", how="left", maintain_order="left").with_columns(pl.col(COUNTS).fill_null(0))
