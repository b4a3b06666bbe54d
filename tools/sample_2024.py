"""Remake samples/kpu-2024/ from real records of Sirekap: `python -m tools.sample_2024 RECORDS TREE`.

RECORDS is a line of JSON a polling station, `{"kode": …, "record": …}`, packed by gzip, and TREE a table of their codes
and names: samples/README.md says where both are from. Figures and times are as published; of the scans nothing is kept.
"""

import csv
import datetime as dt
import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.layout import read_time
from app.loader.election_file import FILE, read_election_file
from app.loader.regions import NATION, columns_of
from app.loader.sirekap import FIELDS
from app.loader.stations import REGISTERED, UNKNOWN
from app.loader.stations import columns_of as station_columns
from app.sirekap import CODE_DIGITS
from tools.sample import SAMPLES, write_table

TARGET = SAMPLES / "kpu-2024"
PROVINCE = "DKI JAKARTA"
LEVELS = ("provinsi", "kabupaten", "kecamatan", "kelurahan")

Record = Mapping[str, Any]


def read_records(path: Path) -> dict[str, Record]:
    """The records by the polling stations' codes, in their order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        read = [json.loads(line) for line in lines]
    return {each["kode"]: each["record"] for each in sorted(read, key=lambda each: each["kode"])}


def read_names(path: Path) -> dict[str, str]:
    """The regions' names by their codes."""
    names: dict[str, str] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            row["provinsi"] = PROVINCE
            names |= {row[f"{level}_kode"]: row[level] for level in LEVELS}
    return names


def regions(codes: Mapping[str, Record], names: Mapping[str, str]) -> Iterator[list[str]]:
    """The rows of the regions that polling stations are in; their ids are ours, in the order of the codes."""
    depths = {digits: depth for depth, digits in enumerate(CODE_DIGITS)}
    kept = sorted({code[:digits] for code in codes for digits in CODE_DIGITS[1:-1]}, key=lambda code: (len(code), code))
    yield [str(NATION), "", "0", "INDONESIA", ""]
    ids = {"": NATION}
    for code in kept:
        depth = depths[len(code)]
        ids[code] = len(ids)
        yield [str(ids[code]), str(ids[code[: CODE_DIGITS[depth - 1]]]), str(depth), names[code].strip(), code]


def station(kelurahan: str, code: str, record: Record, keys: tuple[str, ...]) -> list[str]:
    """A row of the table of polling stations."""
    chart: Record = record["chart"] or {}
    said: Record = record["administrasi"] or {}
    columns: dict[str, Any] = {column: said.get(field) for field, column in FIELDS.items()}
    registered = [UNKNOWN if columns[name] is None else columns[name] for name in REGISTERED]
    summary = [columns[name] for name in _COLUMNS.summary]
    moment = int(read_time(record["ts"]).astimezone(dt.UTC).timestamp())
    row: list[Any] = [
        kelurahan,
        int(code[CODE_DIGITS[-2] :]),
        *registered,
        *(chart.get(key) for key in keys),
        *summary,
        moment,
    ]
    return ["" if value is None else str(value) for value in row]


_ELECTION = read_election_file((TARGET / FILE).read_bytes(), FILE)
_COLUMNS = station_columns(_ELECTION)


def main() -> int:
    """Remake the sample; return the exit code."""
    records, names = read_records(Path(sys.argv[1])), read_names(Path(sys.argv[2]))
    rows = list(regions(records, names))
    write_table(TARGET / "regions.csv.gz", columns_of(_ELECTION), rows)
    ids = {code: id_ for id_, _, _, _, code in rows}
    stations = (station(ids[code[: CODE_DIGITS[-2]]], code, record, _ELECTION.keys) for code, record in records.items())
    write_table(TARGET / "tps.csv.gz", _COLUMNS.names, stations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
