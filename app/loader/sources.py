"""A source of results: a directory with the two tables, or a PostgreSQL database. It is read once, into memory."""

from dataclasses import dataclass
from pathlib import Path

from app.loader import parquet
from app.loader.addresses import check_address, is_address
from app.loader.files import Reading, read_files, unpacked
from app.loader.problems import SourceError
from app.loader.tables import as_text, digest_of_source

REGIONS, STATIONS = "regions", "tps"
"""The tables' names, in a directory and in a database."""


@dataclass(frozen=True)
class Source:
    """The two tables of a source, as they were read: the same text, whatever they came in.

    Args:
        regions: The table of regions: CSV in UTF-8 with a header.
        stations: The table of polling stations, the same.
        regions_name: What the first one is called in messages: its file's name.
        stations_name: What the second one is called.
        digest: What tells one source from another: of the bytes that were read.
    """

    regions: bytes
    stations: bytes
    regions_name: str
    stations_name: str
    digest: str


def read_source(source: str) -> Source:
    """Read a source.

    Args:
        source: A directory, or an address (`postgresql://…`).

    Raises:
        SourceError: It can't be read.
    """
    if is_address(source):
        return _of_database(source)
    regions, stations = read_files(Path(source), (REGIONS, STATIONS))
    return _source(
        (regions.path.name, _as_csv(regions)),
        (stations.path.name, _as_csv(stations)),
        digest_of_source(regions.data, stations.data),
    )


def digest_of_files(source: str) -> str:
    """The digest of a directory's tables, without a look into them; empty of what has to be read to be known.

    Those are a database, and what can't be read, which `read_source` will say.
    """
    if is_address(source):
        return ""
    try:
        return digest_of_source(*(reading.data for reading in read_files(Path(source), (REGIONS, STATIONS))))
    except SourceError:
        return ""


def _of_database(address: str) -> Source:
    check_address(address)
    from app.loader.postgres import read_database  # noqa: PLC0415  # libpq, which no directory needs

    read = read_database(address)
    digest = digest_of_source(read[REGIONS], read[STATIONS])
    return _source((f"table {REGIONS}", read[REGIONS]), (f"table {STATIONS}", read[STATIONS]), digest)


def _source(regions: tuple[str, bytes], stations: tuple[str, bytes], digest: str) -> Source:
    return Source(as_text(*regions), as_text(*stations), regions[0], stations[0], digest)


def _as_csv(reading: Reading) -> bytes:
    if reading.path.suffix == ".parquet":
        return parquet.to_csv(reading.path.name, reading.data)
    return unpacked(reading)
