"""What the pages say: the snapshot's documents, put into the words and numbers that a page shows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app import layout
from app.election import Candidate, Election
from app.forms import Rule
from app.layout import RegionPath
from app.places import Link, Place, links_of, place_of
from app.snapshot import Correction, Progress, Publication, Remarks, Snapshot, StationForm
from app.words import percent, shares

KELURAHAN_DEPTH = 4


@dataclass(frozen=True)
class Tally:
    """A candidate's votes, and their share of all candidates' votes; None and a dash where nothing is entered."""

    votes: int | None
    share: str


@dataclass(frozen=True)
class Standing:
    """The candidates with their votes, as at the top of a page.

    Args:
        candidates: In the ballot's order.
        tallies: Theirs, in the same order.
    """

    candidates: tuple[Candidate, ...]
    tallies: tuple[Tally, ...]

    @property
    def total(self) -> int:
        """The votes of all."""
        return sum(tally.votes or 0 for tally in self.tallies)


@dataclass(frozen=True)
class Row:
    """A line in the table of a region's parts."""

    link: Link
    progress: Progress
    tallies: tuple[Tally, ...]


@dataclass(frozen=True)
class StationRow:
    """A line in a kelurahan's table of polling stations."""

    link: Link
    station: StationForm | None
    tallies: tuple[Tally, ...]

    @property
    def remarks(self) -> tuple[Rule, ...]:
        """The rules that its form doesn't pass."""
        return self.station.remarks if self.station else ()


@dataclass(frozen=True)
class Page:
    """What every page has.

    Args:
        election: Which election it is of.
        place: Where it is in the tree.
        as_of: The snapshot's time.
        files: Its own figures as open data: what they are, and the address.
        standing: The candidates' votes in all of the place.
        published: When it was published, and when the next ones are due.
        correction: That numbers went back with this snapshot; None if it is no correction.
    """

    election: Election
    place: Place
    as_of: dt.datetime
    files: tuple[Link, ...]
    standing: Standing
    published: Publication
    correction: Correction | None


@dataclass(frozen=True)
class RegionPage(Page):
    """The page of the nation or a region down to the kecamatan."""

    progress: Progress
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class KelurahanPage(Page):
    """The page of a kelurahan: its polling stations."""

    progress: Progress
    rows: tuple[StationRow, ...]


@dataclass(frozen=True)
class StationPage(Page):
    """The page of a polling station: its C1 form."""

    station: StationForm | None


def region_page(snapshot: Snapshot, region: RegionPath) -> RegionPage:
    """The page of the nation or a region down to the kecamatan."""
    links, count, progress = links_of(snapshot, region), snapshot.count(region), snapshot.progress(region)
    rows = tuple(
        Row(link, progress.parts[child], tallies(count["table"][str(child)], snapshot.election.candidates))
        for child, link in links.items()
    )
    return RegionPage(*_frame(snapshot, region, count["chart"]), progress.own, rows)


def kelurahan_page(snapshot: Snapshot, region: RegionPath) -> KelurahanPage:
    """The page of a kelurahan."""
    count, notes = snapshot.count(region), snapshot.station_notes(region)
    rows = tuple(
        StationRow(
            link,
            snapshot.station((*region, child), notes.get(child)),
            tallies(count["table"][str(child)], snapshot.election.candidates),
        )
        for child, link in links_of(snapshot, region).items()
    )
    return KelurahanPage(*_frame(snapshot, region, count["chart"]), snapshot.own_progress(region), rows)


def station_page(snapshot: Snapshot, path: RegionPath) -> StationPage:
    """The page of a polling station."""
    kelurahan, station = path[:-1], path[-1]
    form = snapshot.station(path, snapshot.station_notes(kelurahan).get(station))
    votes = snapshot.count(kelurahan)["table"][str(station)]
    return StationPage(*_frame(snapshot, path, votes), form)


def tallies(votes: Mapping[str, int | None], candidates: Sequence[Candidate]) -> tuple[Tally, ...]:
    """The candidates' votes and shares."""
    theirs = [votes[candidate.key] for candidate in candidates]
    return tuple(map(Tally, theirs, shares(theirs)))


def entered_share(progress: Progress) -> str:
    """The share of polling stations that have figures."""
    return percent(progress.entered, progress.stations)


def found(remarks: Remarks | None) -> list[tuple[Rule, int]]:
    """The rules that any form fails, with how many do."""
    return [(rule, count) for rule, count in remarks.rules.items() if count] if remarks else []


def _frame(
    snapshot: Snapshot, path: RegionPath, votes: Mapping[str, int | None]
) -> tuple[Election, Place, dt.datetime, tuple[Link, ...], Standing, Publication, Correction | None]:
    election = snapshot.election
    standing = Standing(election.candidates, tallies(votes, election.candidates))
    files = _files(election.code, path)
    return election, place_of(snapshot, path), snapshot.as_of, files, standing, snapshot.published, snapshot.correction


def _files(election: str, path: RegionPath) -> tuple[Link, ...]:
    if len(path) > KELURAHAN_DEPTH:
        return (_file("angka formulir ini", layout.count_file(election, path)),)
    return (
        _file("perolehan suara", layout.count_file(election, path)),
        _file("kemajuan dan catatan", layout.progress_file(election, path)),
        _file("nama wilayah", layout.names_file(path)),
    )


def _file(name: str, file: str) -> Link:
    return Link(name, f"/{file}")
