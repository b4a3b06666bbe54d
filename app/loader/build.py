"""Building a snapshot: the tables are read twice, first to check them and to learn the time, then to write."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app import layout
from app.loader.archive import ArchiveWriter, writing_archive
from app.loader.problems import Problem, SourceError
from app.loader.regions import KELURAHAN_DEPTH, NATION, Region, read_regions
from app.loader.stations import Kelurahan, Station, read_kelurahan

PREFIX = "tegak-snapshot-"
SUFFIX = ".tar.gz"

BuildProgress = Callable[[str, int, int], None]
"""Called with the step's name, the packed bytes read so far and in all."""


@dataclass(slots=True)
class Totals:
    """What is added up of a region."""

    stations: int = 0
    entered: int = 0
    contradictory: int = 0
    votes: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, other: "Totals") -> None:
        """Add a part of the region."""
        self.stations += other.stations
        self.entered += other.entered
        self.contradictory += other.contradictory
        self.votes = [mine + its for mine, its in zip(self.votes, other.votes, strict=True)]

    def chart(self) -> list[int] | None:
        """The votes; None where nothing is entered."""
        return self.votes if self.entered else None


@dataclass(frozen=True)
class Survey:
    """What the first reading found.

    Args:
        as_of: When the newest form arrived.
        problems: Rows that don't fit, in order.
    """

    as_of: dt.datetime
    problems: list[Problem]


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
        files: Members of the archive.
        skipped: What was left out because it didn't fit; empty unless that was asked for.
    """

    name: str
    path: Path
    sha256: str
    as_of: dt.datetime
    stations: int
    entered: int
    files: int
    skipped: list[Problem]


def build_snapshot(
    source: Path, target: Path, *, progress: BuildProgress | None = None, allow_errors: bool = False
) -> BuiltSnapshot:
    """Build the archive of a snapshot.

    Args:
        source: A directory with regions.csv.gz and tps.csv.gz.
        target: The directory for the archive; nothing in it changes unless the build succeeds.
        progress: Told now and then how far it is.
        allow_errors: Leave out what doesn't fit instead of refusing the input.

    Raises:
        SourceError: The input can't be used; every row that doesn't fit is in it.
    """
    tree = read_regions(source)
    survey = _survey(source, tree, progress)
    if survey.problems and not allow_errors:
        raise SourceError(survey.problems)
    target.mkdir(parents=True, exist_ok=True)
    half_made = target / f".{PREFIX}half-made{SUFFIX}"
    try:
        with writing_archive(half_made, int(survey.as_of.timestamp())) as (archive, archive_file):
            nation = _write(source, tree, survey.as_of, archive, progress)
            name = f"{survey.as_of:%Y%m%dT%H%M%SZ}-{archive.content_sha256[:10]}"
            archive.add(layout.MANIFEST, _manifest(name, source, survey.as_of, nation))
        path = half_made.replace(target / f"{PREFIX}{name}{SUFFIX}")
    finally:
        half_made.unlink(missing_ok=True)
    sha256, files = archive_file.digest.hexdigest(), archive.files
    return BuiltSnapshot(name, path, sha256, survey.as_of, nation.stations, nation.entered, files, survey.problems)


def _survey(source: Path, tree: Mapping[int, Region], progress: BuildProgress | None) -> Survey:
    problems: list[Problem] = []
    as_of = dt.datetime.fromtimestamp(0, dt.UTC)
    step = _step("checking", progress)
    for kelurahan in read_kelurahan(source, tree, problems.append, step):
        for station in kelurahan.stations:
            if station.form and station.entered_at and station.entered_at > as_of:
                as_of = station.entered_at
    return Survey(as_of, problems)


def _write(
    source: Path,
    tree: Mapping[int, Region],
    as_of: dt.datetime,
    archive: ArchiveWriter,
    progress: BuildProgress | None,
) -> Totals:
    totals: dict[int, Totals] = {}
    step = _step("writing", progress)
    for kelurahan in read_kelurahan(source, tree, lambda _: None, step):
        totals[kelurahan.region.id] = _write_kelurahan(kelurahan, as_of, archive)
    for region in reversed(list(tree.values())):  # parents come first in the table, so last here
        total = totals.setdefault(region.id, Totals())
        if region.depth == KELURAHAN_DEPTH:
            if not total.stations:
                _write_kelurahan(Kelurahan(region, []), as_of, archive)
        else:
            for child in region.children:
                total.add(totals[child])
            _write_region(region, tree, totals, as_of, archive)
    archive.add(layout.CANDIDATE_NAMES, layout.dump(layout.NAMES))
    archive.add(layout.VERSION, layout.version_body(as_of))
    return totals[NATION]


def _write_kelurahan(kelurahan: Kelurahan, as_of: dt.datetime, archive: ArchiveWriter) -> Totals:
    totals = Totals()
    path = kelurahan.region.path
    for station in kelurahan.stations:
        totals.add(_station_totals(station))
        if station.form:
            body = layout.form_body(station.form, station.registered, station.entered_at or as_of)
            archive.add(layout.count_file((*path, station.id)), body)
    names = {station.id: f"TPS {station.number}" for station in kelurahan.stations}
    table = {station.id: station.form and station.form.votes for station in kelurahan.stations}
    archive.add(layout.names_file(path), layout.names_body(names))
    archive.add(
        layout.count_file(path), layout.count_body(as_of, (totals.stations, totals.entered), totals.chart(), table)
    )
    return totals


def _station_totals(station: Station) -> Totals:
    if station.form is None:
        return Totals(stations=1)
    contradictory = 1 if station.form.contradictions() else 0
    return Totals(1, 1, contradictory, list(station.form.votes))


def _write_region(
    region: Region, tree: Mapping[int, Region], totals: Mapping[int, Totals], as_of: dt.datetime, archive: ArchiveWriter
) -> None:
    total = totals[region.id]
    names = {child: tree[child].name for child in region.children}
    table = {child: totals[child].chart() for child in region.children}
    parts = {child: totals[child] for child in region.children}
    progress = {str(child): [part.stations, part.entered, part.contradictory] for child, part in parts.items()}
    archive.add(layout.names_file(region.path), layout.names_body(names))
    archive.add(
        layout.count_file(region.path),
        layout.count_body(as_of, (total.stations, total.entered), total.chart(), table),
    )
    archive.add(layout.progress_file(region.path), layout.dump(progress))


def _manifest(name: str, source: Path, as_of: dt.datetime, nation: Totals) -> bytes:
    return layout.dump(
        {
            "snapshot": name,
            "as_of": as_of.isoformat(),
            "source": source.resolve().name,
            "tps_total": nation.stations,
            "tps_entered": nation.entered,
        }
    )


def _step(name: str, progress: BuildProgress | None) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(name, done, total)) if progress else None
