"""Sources of results that differ from the small sample as a count differs from one publication to the next."""

import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

from app.loader.election_file import FILE
from tests.stands.lab import PROJECT, SMALL

Row = dict[str, str]
FORM = ("votes_01", "votes_02", "valid_votes", "invalid_votes", "total_votes", "first_photo_unix_s")


def source_of(
    directory: Path,
    *,
    stations: Callable[[list[Row]], list[Row]] = lambda rows: rows,
    regions: Callable[[list[Row]], list[Row]] = lambda rows: rows,
) -> Path:
    """The small sample, changed.

    Args:
        directory: Where the changed one is made.
        stations: Changes the rows of tps.csv.gz.
        regions: Changes the rows of regions.csv.gz.
    """
    directory.mkdir(parents=True)
    shutil.copy(PROJECT / SMALL / FILE, directory)
    for name, change in (("tps", stations), ("regions", regions)):
        with gzip.open(PROJECT / SMALL / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or ()), list(reader)
        with gzip.open(directory / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(change([dict(row) for row in rows]))
    return directory


def counted_again(rows: list[Row]) -> list[Row]:
    """One form says something else, and is the newest."""
    newest = max(int(row["first_photo_unix_s"] or 0) for row in rows)
    row = next(row for row in rows if int(row["votes_01"] or 0) > 0)
    row["votes_01"] = str(int(row["votes_01"]) + 1)
    row["first_photo_unix_s"] = str(newest + 900)
    return rows


def renamed(rows: list[Row]) -> list[Row]:
    """A kabupaten has another name."""
    for row in rows:
        if row["name"] == "KULON PROGO":
            row["name"] = "KULON PROGO BARU"
    return rows
