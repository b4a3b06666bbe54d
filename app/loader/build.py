"""Building a snapshot: the tables are read once, checked, added up, and written as documents in a pack.

Where a snapshot of the same regions and polling stations was built before, only the documents of what has changed are
made, and whatever else there is stays in the files that it has.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from app import layout
from app.election import Election
from app.loader.announcement import NOTHING, Announcement
from app.loader.columns import read_stations
from app.loader.documents import every_document, stamp
from app.loader.election_file import read_election_file
from app.loader.half_made import half_made
from app.loader.kept import sha256_of
from app.loader.made import Made, Tables, keep, read_made
from app.loader.packing import Documents, PackError, PackWriter
from app.loader.problems import Report, SourceError
from app.loader.regions import read_regions
from app.loader.sources import Source, read_source
from app.loader.stations import columns_of
from app.loader.tabulation import add_up, with_flags
from app.pack import FORMAT

AHEAD = dt.timedelta(minutes=5)
"""How far a form's time may be ahead of this machine's: clocks differ, and a form of next year would date the count."""

BuildProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts of the work are done, and how many there are."""

PARTS = ("reading", "adding up", "writing")


@dataclass(frozen=True)
class BuiltSnapshot:
    """A snapshot as it was built.

    Args:
        name: The snapshot's name: its time, and the digest of what is signed.
        content: The digest of its content, whatever its documents' times and places are.
        directory: Where its files are: in the target, or the one before, if nothing has changed.
        as_of: The time it shows.
        stations: Polling stations in all.
        entered: Of these, with figures.
        documents: How many documents were made: all, or those that may have changed.
        skipped: What was left out because it didn't fit; empty unless that was asked for.
        source: The digest of the tables that were read (see `app.loader.sources.Source`).
        made_of: The snapshot of which it was made; None where it was made from nothing.
    """

    name: str
    content: str
    directory: Path
    as_of: dt.datetime
    stations: int
    entered: int
    documents: int
    skipped: Report
    source: str
    made_of: str | None


@dataclass(frozen=True)
class _Read(Tables):
    """What was read, of which election, from which source, and what didn't fit."""

    election: Election
    source: str
    problems: Report


def build_snapshot(
    source: str | Path | Source,
    target: Path,
    *,
    progress: BuildProgress | None = None,
    allow_errors: bool = False,
    now: dt.datetime | None = None,
    previous: Path | None = None,
    after: int = 0,
    announcement: Announcement = NOTHING,
) -> BuiltSnapshot:
    """Build a snapshot in a folder of its name.

    Args:
        source: A directory or an address: see `app.loader.sources`; or what was read of it.
        target: The directory for that folder; nothing in it changes unless the build succeeds.
        progress: Told how far it is.
        allow_errors: Leave out what doesn't fit instead of refusing the input.
        now: This machine's time: no form is newer, and it is the snapshot's where nothing is entered yet.
        previous: The folder of the snapshot that is shown now; fine if nothing usable is there.
        after: Nothing in it is said to have changed before this time, in unix seconds.
        announcement: What it tells the public beside the count.

    Raises:
        SourceError: The input can't be used.
        PackError: The documents can't be packed.
    """
    now = now or dt.datetime.now(dt.UTC)
    tell = _telling(progress)
    tell("reading")
    before = read_made(previous) if previous else None
    read = _read(source, now, before, allow_errors=allow_errors)
    tell("adding up")
    levels = add_up(read.stations, read.regions, read.election)
    as_of = _newest(read.stations) or now.replace(microsecond=0)
    modified = max(int(now.timestamp()), after + 1, before.modified + 1 if before else 0)
    made_of = before.pack if before and not before.is_worn else None
    changed = before.changed(read) if before and made_of else None
    made_of = made_of if changed else None
    with half_made(target) as folder:
        tell("writing")
        directory = folder / "snapshot"
        directory.mkdir()
        pack = PackWriter(directory, stamp(as_of), made_of)
        said = _said(announcement, now)
        version = layout.version_body(as_of, said)
        with closing(pack):
            made = _add_all(pack, every_document(read.election, read.stations, levels, as_of, version, changed))
            content = pack.end(modified, times_of=before.pack.index if before and not made_of else None)
        counted = levels[0].row(0, named=True)
        optional = {"correction": said, "every_seconds": announcement.every_seconds}
        facts = {
            "format": FORMAT,
            **_of_count(read.election, as_of, modified, content, counted),
            **{name: told for name, told in optional.items() if told},
            "files": _digests(directory, before),
        }
        built = target / _name(as_of, facts)
        if before and before.manifest["content"] == content:
            built = before.pack.directory  # nothing has changed: no document gets another time
        elif not built.exists():  # it does where another build made it at the same moment: the same to the byte
            (directory / layout.MANIFEST).write_bytes(layout.dump({"snapshot": built.name, **facts}))
            keep(directory, read, pack.changes, made_of.name if made_of else None)
            directory.rename(built)
    return BuiltSnapshot(
        built.name,
        content,
        built,
        as_of,
        counted["stations"],
        counted["entered"],
        made,
        read.problems,
        read.source,
        made_of.name if made_of else None,
    )


def _read(source: str | Path | Source, now: dt.datetime, before: Made | None, *, allow_errors: bool) -> _Read:
    problems = Report()
    given = source if isinstance(source, Source) else read_source(str(source))
    election = read_election_file(given.election, given.election_name)
    digest = hashlib.sha256(given.election + b"\0" + given.regions).hexdigest()
    known = before.tables.regions if before and before.tables.regions_table == digest else None
    tree = read_regions(given.regions, election, given.regions_name) if known is None else known
    latest = int((now + AHEAD).timestamp())
    columns = columns_of(election)
    stations = read_stations(given.stations, columns, tree, latest, given.stations_name, problems.add)
    if problems and not allow_errors:
        raise SourceError(problems)
    return _Read(with_flags(stations, tree, election), tree, digest, election, given.digest, problems)


def _add_all(pack: PackWriter, documents: Iterable[Documents]) -> int:
    """Add the documents; returns how many. None may be null, which a null anywhere in a text makes of all of it."""
    made = 0
    for each in documents:
        if each.table["body"].null_count():
            raise PackError(f"{each.table.filter(pl.col('body').is_null())[0, 'address']} says nothing")
        pack.add(each)
        made += each.table.height
    return made


def _said(announcement: Announcement, now: dt.datetime) -> dict[str, str] | None:
    """What is told of a correction; None if it is none."""
    reason = announcement.correction
    return {"at": layout.utc_time(now), "reason": reason} if reason else None


def _of_count(
    election: Election, as_of: dt.datetime, modified: int, content: str, counted: dict[str, Any]
) -> dict[str, Any]:
    """What the manifest says of the count."""
    return {
        "election": election.document(),
        "as_of": as_of.isoformat(),
        "modified": modified,
        "content": content,
        "tps_total": counted["stations"],
        "tps_entered": counted["entered"],
        "votes": [counted[votes] for votes in columns_of(election).votes],
    }


def _name(as_of: dt.datetime, facts: dict[str, Any]) -> str:
    """By the count's time and all that is signed: two snapshots of one name have the same files.

    The same content built at another time has other times, and perhaps other segments; so it is another snapshot.
    """
    return f"{as_of:%Y%m%dT%H%M%SZ}-{hashlib.sha256(layout.dump(facts)).hexdigest()[:10]}"


def _newest(read: pl.DataFrame) -> dt.datetime | None:
    """When the newest form arrived; None where there is none, or none whose time is known."""
    newest = read.filter("entered")["time"].max()
    return dt.datetime.fromtimestamp(newest, dt.UTC) if isinstance(newest, int) else None


def _digests(directory: Path, before: Made | None) -> dict[str, str]:
    """The digest of each file; those that are the other snapshot's own have the one that was signed with it."""
    found: dict[str, str] = {}
    known: dict[str, Any] = dict(before.manifest["files"]) if before else {}
    names = [path.name for path in directory.iterdir()]
    for name in sorted(names):
        linked = before is not None and name in known and _is_same(directory / name, before.pack.directory / name)
        found[name] = known[name] if linked else sha256_of(directory / name)
    return found


def _is_same(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)


def _telling(progress: BuildProgress | None) -> Callable[[str], None]:
    return lambda part: progress(part, PARTS.index(part), len(PARTS)) if progress else None
