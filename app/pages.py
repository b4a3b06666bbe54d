"""What the pages say: the snapshot's files, put into the words and numbers that a page shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.addresses import NATION_PAGE
from app.forms import CANDIDATES, Contradiction
from app.layout import ABROAD, NAMES, RegionPath, local_time
from app.snapshot import Snapshot, StationForm

LEVELS = ("Provinsi", "Kabupaten/Kota", "Kecamatan", "Kelurahan/Desa", "TPS")
NATION = "Indonesia"
KELURAHAN_DEPTH = 4

REMARKS = {
    Contradiction.VALID_VOTES: "Jumlah suara paslon tidak sama dengan jumlah suara sah.",
    Contradiction.VOTERS: "Suara sah ditambah suara tidak sah melebihi jumlah pengguna hak pilih.",
}


@dataclass(frozen=True)
class Link:
    """A region's name and its page."""

    name: str
    href: str


@dataclass(frozen=True)
class Candidate:
    """A candidate pair and its votes; None where nothing is entered."""

    number: str
    name: str
    votes: int | None
    share: float | None


@dataclass(frozen=True)
class Progress:
    """How many polling stations have figures, and how many forms contradict themselves."""

    stations: int
    entered: int
    contradictory: int | None = None

    @property
    def share(self) -> float:
        """The part that is entered, 0 to 1."""
        return self.entered / self.stations if self.stations else 0.0


@dataclass(frozen=True)
class Row:
    """A line in the table of a region's parts."""

    link: Link
    progress: Progress
    votes: tuple[int | None, ...]


@dataclass(frozen=True)
class StationRow:
    """A line in a kelurahan's table of polling stations."""

    link: Link
    form: StationForm | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a page is in the tree.

    Args:
        name: The region's name.
        level: What its parts are called.
        trail: The regions above it, the nation first.
    """

    name: str
    level: str
    trail: tuple[Link, ...]


@dataclass(frozen=True)
class RegionPage:
    """The page of the nation or a region down to the kecamatan."""

    place: Place
    as_of: str
    progress: Progress
    candidates: tuple[Candidate, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class KelurahanPage:
    """The page of a kelurahan: its polling stations."""

    place: Place
    as_of: str
    progress: Progress
    candidates: tuple[Candidate, ...]
    rows: tuple[StationRow, ...]


@dataclass(frozen=True)
class StationPage:
    """The page of a polling station: its C1 form."""

    place: Place
    as_of: str
    station: StationForm | None
    candidates: tuple[Candidate, ...]
    remarks: tuple[str, ...]


def href(region: RegionPath) -> str:
    """The address of a region's page."""
    return "/".join([NATION_PAGE, *map(str, region)])


def region_page(snapshot: Snapshot, region: RegionPath) -> RegionPage:
    """The page of the nation or a region down to the kecamatan."""
    names, count, parts = snapshot.names(region), snapshot.count(region), snapshot.progress(region)
    rows = tuple(
        Row(
            Link(_plain(names[child], child), href((*region, child))),
            Progress(*parts[child]),
            tuple(count["table"][str(child)][key] for key in CANDIDATES),
        )
        for child in names
    )
    contradictory = sum(part[2] for part in parts.values())
    progress = Progress(count["progress"]["total"], count["progress"]["proses"], contradictory)
    return RegionPage(_place(snapshot, region), _as_of(snapshot), progress, _candidates(count["chart"]), rows)


def kelurahan_page(snapshot: Snapshot, region: RegionPath) -> KelurahanPage:
    """The page of a kelurahan."""
    count = snapshot.count(region)
    rows: list[StationRow] = []
    for child, name in snapshot.names(region).items():
        station = snapshot.station((*region, child))
        rows.append(StationRow(Link(name, href((*region, child))), station, _remarks(station)))
    contradictory = sum(1 for row in rows if row.remarks)
    progress = Progress(count["progress"]["total"], count["progress"]["proses"], contradictory)
    return KelurahanPage(_place(snapshot, region), _as_of(snapshot), progress, _candidates(count["chart"]), tuple(rows))


def station_page(snapshot: Snapshot, path: RegionPath) -> StationPage:
    """The page of a polling station."""
    station = snapshot.station(path)
    votes = station.form.votes if station else (None, None)
    return StationPage(
        _place(snapshot, path),
        _as_of(snapshot),
        station,
        _candidates(dict(zip(CANDIDATES, votes, strict=True))),
        _remarks(station),
    )


def _place(snapshot: Snapshot, path: RegionPath) -> Place:
    links = [Link(NATION, NATION_PAGE), *_ancestors(snapshot, path)]
    level = LEVELS[len(path)] if len(path) < len(LEVELS) else ""
    return Place(links[-1].name, level, tuple(links[:-1]))


def _ancestors(snapshot: Snapshot, path: RegionPath) -> Iterator[Link]:
    for depth in range(len(path)):
        child = path[depth]
        yield Link(_plain(snapshot.names(path[:depth])[child], child), href(path[: depth + 1]))


def _plain(name: str, region: int) -> str:
    return name.removeprefix("+") if region == ABROAD else name


def _as_of(snapshot: Snapshot) -> str:
    return f"{local_time(snapshot.as_of)} WIB"


def _candidates(votes: Mapping[str, int | None]) -> tuple[Candidate, ...]:
    total = sum(votes[key] or 0 for key in CANDIDATES)
    return tuple(
        Candidate(NAMES[key]["nomor_urut"], NAMES[key]["nama"], votes[key], _share(votes[key], total))
        for key in CANDIDATES
    )


def _share(votes: int | None, total: int) -> float | None:
    return votes / total if votes is not None and total else None


def _remarks(station: StationForm | None) -> tuple[str, ...]:
    return tuple(REMARKS[found] for found in station.form.contradictions()) if station else ()
