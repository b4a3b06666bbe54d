"""What has changed from one snapshot to the next, and the rows that concern it."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Changed:
    """What may have other documents than before.

    Args:
        stations: The ids of polling stations.
        regions: The ids of regions: their kelurahan, and whatever these are a part of.
    """

    stations: pl.Series
    regions: pl.Series


def among(table: pl.DataFrame, column: str, ids: pl.Series | None) -> pl.DataFrame:
    """The rows that have one of these ids; all of them where all has changed (None)."""
    return table if ids is None else table.filter(pl.col(column).is_in(ids.implode()))
