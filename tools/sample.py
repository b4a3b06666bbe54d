"""Remake samples/ from the tables of the whole nation: `python -m tools.sample SOURCE`.

SOURCE has the election.toml of samples/kpu-2019 beside them. Every polling station stays in the file, so that its id
and the totals are the nation's; figures stay where a count is shown, and the other provinces stand at zero.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from app.loader.election_file import FILE, read_election_file
from app.loader.regions import COLUMNS as REGION_COLUMNS
from app.loader.regions import KELURAHAN_DEPTH, read_regions
from app.loader.sources import Source, read_source
from app.loader.stations import columns_of
from app.loader.tables import read_rows

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
ELECTION = read_election_file((SAMPLES / "kpu-2019" / FILE).read_bytes(), FILE)
STATION_COLUMNS = columns_of(ELECTION).names
SHOWN = {1: "Aceh", 25823: "DKI Jakarta", 41863: "DI Yogyakarta", 74716: "Gorontalo", -99: "abroad"}
SMALL = ((-99, -991302), (41863, 41864), (74716, 75183), (928068, 64617))
"""Province and kabupaten/kota of the small sample, which the tests publish; the last one stands at zero."""

SMALL_KECAMATAN = 2
Paths = dict[int, tuple[int, ...]]
"""The ids from the province down, by a region's own."""

NOT_ENTERED = ["-1", "-1", "", "", "", "", "", ""]


def write_table(path: Path, columns: tuple[str, ...], rows: Iterable[list[str]]) -> None:
    """Write a table as the loader reads it: the same bytes for the same rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def write_sample(source: Source, target: Path, paths: Paths) -> None:
    """Write the sample: the whole tree, all polling stations, figures of the provinces in SHOWN."""
    regions = (row for _, row in read_rows(source.regions_name, source.regions, REGION_COLUMNS))
    write_table(target / "regions.csv.gz", REGION_COLUMNS, regions)
    rows = (row for _, row in read_rows(source.stations_name, source.stations, STATION_COLUMNS))
    write_table(target / "tps.csv.gz", STATION_COLUMNS, (_as_shown(row, paths) for row in rows))


def write_small_sample(source: Source, target: Path, paths: Paths) -> None:
    """Write the small sample: two kecamatan each of a few kabupaten/kota."""
    kept = {0}
    for province, regency in SMALL:
        districts = [region for region, path in paths.items() if path[1:-1] == (regency,)][:SMALL_KECAMATAN]
        villages = [region for region, path in paths.items() if len(path) == KELURAHAN_DEPTH and path[2] in districts]
        kept.update([province, regency, *districts, *villages])
    regions = (row for _, row in read_rows(source.regions_name, source.regions, REGION_COLUMNS) if int(row[0]) in kept)
    write_table(target / "regions.csv.gz", REGION_COLUMNS, regions)
    rows = (row for _, row in read_rows(source.stations_name, source.stations, STATION_COLUMNS) if int(row[0]) in kept)
    write_table(target / "tps.csv.gz", STATION_COLUMNS, (_as_shown(row, paths) for row in rows))


def _as_shown(row: list[str], paths: Paths) -> list[str]:
    return row if paths[int(row[0])][0] in SHOWN else row[:2] + NOT_ENTERED


def main() -> int:
    """Remake both samples; return the exit code."""
    source = read_source(sys.argv[1])
    regions = read_regions(source.regions, ELECTION, source.regions_name)
    texts = zip(regions["id"], regions["path"], strict=True)
    paths = {region: tuple(map(int, text.split("/"))) if text else () for region, text in texts}
    write_sample(source, SAMPLES / "kpu-2019", paths)
    write_small_sample(source, SAMPLES / "kpu-2019-small", paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
