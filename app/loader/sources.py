"""A source of results: a directory or a PostgreSQL database. It is read once, into memory.

In it are two tables, and beside them what election they are of.
"""

from dataclasses import dataclass
from pathlib import Path

from app.loader import parquet
from app.loader.addresses import check_address, is_address
from app.loader.election_file import FILE
from app.loader.files import Reading, read_files, unpacked
from app.loader.problems import SourceError
from app.loader.tables import as_text, digest_of_source

ELECTION, REGIONS, STATIONS = "election", "regions", "tps"
"""The tables' names in a database; those of two of them in a directory too."""


@dataclass(frozen=True)
class Source:
    """What was read: the tables as the same text, whatever they came in.

    Args:
        election: The text of election.toml.
        regions: The table of regions: CSV in UTF-8 with a header.
        stations: The table of polling stations, the same.
        election_name: What the first one is called in messages: its file's name.
        regions_name: What the second one is called.
        stations_name: What the third one is called.
        digest: What tells one source from another: of the bytes that were read.
    """

    election: bytes
    regions: bytes
    stations: bytes
    election_name: str
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
    election, regions, stations = read_files(Path(source), (FILE, REGIONS, STATIONS))
    return _source(
        (election.path.name, election.data),
        (regions.path.name, _as_csv(regions)),
        (stations.path.name, _as_csv(stations)),
        digest_of_source(election.data, regions.data, stations.data),
    )


def digest_of_files(source: str) -> str:
    """The digest of a directory's files, without a look into them; empty of what has to be read to be known.

    Those are a database, and what can't be read, which `read_source` will say.
    """
    if is_address(source):
        return ""
    try:
        return digest_of_source(*(reading.data for reading in read_files(Path(source), (FILE, REGIONS, STATIONS))))
    except SourceError:
        return ""


def _of_database(address: str) -> Source:
    check_address(address)
    from app.loader.postgres import read_database  # noqa: PLC0415  # libpq, which no directory needs

    read = read_database(address)
    names = {what: f"table {what}" for what in read}
    tables = [(names[what], read[what]) for what in (ELECTION, REGIONS, STATIONS)]
    return _source(tables[0], tables[1], tables[2], digest_of_source(*read.values()))


def _source(
    election: tuple[str, bytes], regions: tuple[str, bytes], stations: tuple[str, bytes], digest: str
) -> Source:
    name, text = election
    return Source(text, as_text(*regions), as_text(*stations), name, regions[0], stations[0], digest)


def _as_csv(reading: Reading) -> bytes:
    if reading.path.suffix == ".parquet":
        return parquet.to_csv(reading.path.name, reading.data)
    return unpacked(reading)
