"""A count as it arrives: the tables of a source with the forms of a moment, in the order in which they really came."""

import gzip
import shutil
from pathlib import Path

import polars as pl

from app.loader.stations import PLACE, REGISTERED, TIME

FILES = ("election.toml", "regions.csv.gz")
"""What is the same at any moment."""


class Arrival:
    """The forms of a source, by the time of their first photo.

    Args:
        source: A directory as for `fab publish`, of a count that has ended; its tables are CSV packed by gzip.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._table = pl.read_csv(gzip.decompress((source / "tps.csv.gz").read_bytes()), infer_schema=False)
        self._form = self._table.columns[len(PLACE) + len(REGISTERED) :]
        times = self._table[TIME].cast(pl.Int64, strict=False)
        order = times.arg_sort(nulls_last=True)
        self._rank = pl.Series(range(self._table.height)).gather(order.arg_sort())
        self.forms = int(times.is_not_null().sum())

    def write(self, directory: Path, forms: int) -> Path:
        """The tables when so many forms had come; returns the directory."""
        directory.mkdir(parents=True, exist_ok=True)
        there = pl.when(self._rank < forms)
        table = self._table.with_columns(there.then(pl.col(name)).otherwise(None).alias(name) for name in self._form)
        (directory / "tps.csv.gz").write_bytes(gzip.compress(table.write_csv().encode(), 1))
        for name in FILES:
            shutil.copy(self._source / name, directory)
        return directory
