"""Building a snapshot: the tables are read once, checked, added up, and written as documents in a pack."""

import datetime as dt
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from app import layout
from app.loader import regions, stations
from app.loader.archive import write_archive
from app.loader.columns import read_stations
from app.loader.documents import documents
from app.loader.packing import PackWriter
from app.loader.problems import Problem, SourceError
from app.loader.regions import read_regions
from app.loader.tables import digest_of_source, read_packed, unpack
from app.loader.tabulation import add_up, with_flags
from app.pack import FILES

AHEAD = dt.timedelta(minutes=5)
"""How far a form's time may be ahead of this machine's: clocks differ, and a form of next year would date the count."""

BuildProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts of the work are done, and how many there are."""

PARTS = ("reading", "adding up", "writing", "packing")


@dataclass(frozen=True)
class BuiltSnapshot:
    """A snapshot's archive.

    Args:
        name: The snapshot's name: its time and the digest of its content.
        path: The archive.
        sha256: The archive's digest.
        as_of: The time it shows.
        stations: Polling stations in all.
        entered: Of these, with figures.
        documents: How many documents there are in it.
        skipped: What was left out because it didn't fit; empty unless that was asked for.
        source: The digest of the tables that were read (see `digest_of_source`).
    """

    name: str
    path: Path
    sha256: str
    as_of: dt.datetime
    stations: int
    entered: int
    documents: int
    skipped: list[Problem]
    source: str


def build_snapshot(
    source: Path,
    target: Path,
    *,
    progress: BuildProgress | None = None,
    allow_errors: bool = False,
    now: dt.datetime | None = None,
) -> BuiltSnapshot:
    """Build the archive of a snapshot.

    Args:
        source: A directory with regions.csv.gz and tps.csv.gz.
        target: The directory for the archive; nothing in it changes unless the build succeeds.
        progress: Told how far it is.
        allow_errors: Leave out what doesn't fit instead of refusing the input.
        now: This machine's time: no form is newer, and it is the snapshot's where nothing is entered yet.

    Raises:
        SourceError: The input can't be used; every row that doesn't fit is in it.
    """
    now = now or dt.datetime.now(dt.UTC)
    tell = _telling(progress)
    tell("reading")
    problems: list[Problem] = []
    packed = [read_packed(source / file) for file in (regions.FILE, stations.FILE)]
    tree = read_regions(unpack(regions.FILE, packed[0]))
    latest = int((now + AHEAD).timestamp())
    read = with_flags(read_stations(unpack(stations.FILE, packed[1]), tree, latest, problems.append))
    if problems and not allow_errors:
        raise SourceError(problems)
    tell("adding up")
    levels = add_up(read, tree)
    as_of = _newest(read) or now.replace(microsecond=0)
    target.mkdir(parents=True, exist_ok=True)
    # Of its own: two builds at once share nothing that is half-made.
    with tempfile.TemporaryDirectory(prefix=f".{layout.SNAPSHOT_PREFIX}", dir=target) as half_made:
        directory = Path(half_made)
        tell("writing")
        pack = PackWriter(directory)
        for table in documents(read, levels, as_of):
            pack.add(table)
        name = f"{as_of:%Y%m%dT%H%M%SZ}-{pack.end(int(as_of.timestamp()))[:10]}"
        counted = levels[0].row(0, named=True)
        (directory / layout.MANIFEST).write_bytes(_manifest(directory, name, as_of, counted))
        tell("packing")
        archive = directory / f"{layout.SNAPSHOT_PREFIX}{name}{layout.SNAPSHOT_SUFFIX}"
        files = [directory / file for file in (layout.MANIFEST.name, *FILES)]
        sha256 = write_archive(archive, files, int(as_of.timestamp()))
        path = archive.replace(target / archive.name)
    return BuiltSnapshot(
        name,
        path,
        sha256,
        as_of,
        counted["stations"],
        counted["entered"],
        pack.documents,
        problems,
        digest_of_source(*packed),
    )


def _newest(read: pl.DataFrame) -> dt.datetime | None:
    """When the newest form arrived; None where there is none, or none whose time is known."""
    newest = read.filter("entered")["time"].max()
    return dt.datetime.fromtimestamp(newest, dt.UTC) if isinstance(newest, int) else None


def _manifest(directory: Path, name: str, as_of: dt.datetime, counted: Mapping[str, int]) -> bytes:
    return layout.dump(
        {
            "snapshot": name,
            "as_of": as_of.isoformat(),
            "tps_total": counted["stations"],
            "tps_entered": counted["entered"],
            "files": {file: _sha256(directory / file) for file in FILES},
        }
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _telling(progress: BuildProgress | None) -> Callable[[str], None]:
    return lambda part: progress(part, PARTS.index(part), len(PARTS)) if progress else None
