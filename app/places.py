"""Where a page is: the names of regions and polling stations, the pages' addresses, and what is above them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from app.addresses import STATION_DEPTH, page
from app.layout import RegionPath
from app.snapshot import Snapshot

KEPT_DEPTH = 3
"""Below so many levels, what a region consists of is read for each page: there are thousands of regions."""


@dataclass(frozen=True)
class Link:
    """What something is called, and its address."""

    name: str
    href: str


@dataclass(frozen=True)
class Place:
    """Where a page is in the tree.

    Args:
        name: The region's or the polling station's name.
        level: What its parts are called; empty if it has none.
        trail: The regions above it, the nation first.
        href: The page's own address.
        is_abroad: Whether it is abroad.
    """

    name: str
    level: str
    trail: tuple[Link, ...]
    href: str
    is_abroad: bool = False

    @cached_property
    def title(self) -> str:
        """The name with all that is above it but the nation: no two pages have the same one."""
        return ", ".join([self.name, *(link.name for link in self.trail[:0:-1])])

    @property
    def is_nation(self) -> bool:
        """Whether it is all of it."""
        return not self.trail

    @property
    def is_station(self) -> bool:
        """Whether it is a polling station."""
        return len(self.trail) == STATION_DEPTH


def place_of(snapshot: Snapshot, path: RegionPath) -> Place:
    """Where a region or polling station is.

    Raises:
        NotFoundError: The snapshot has no such one.
    """
    election = snapshot.election
    links = [Link(election.nation, page(election.code))]
    links += [_link_of(snapshot, path[:depth], child) for depth, child in enumerate(path)]
    is_abroad = path[:1] == (election.abroad,)
    levels = (*(election.levels_abroad if is_abroad else election.levels), "")
    return Place(links[-1].name, levels[len(path)], tuple(links[:-1]), page(election.code, path), is_abroad)


def links_of(snapshot: Snapshot, region: RegionPath) -> Mapping[int, Link]:
    """What a region consists of, by id; those that share a name are told apart.

    Kept are those that are above many pages: of the nation, provinces and regencies.
    """
    return snapshot.kept(_links_of, region) if len(region) < KEPT_DEPTH else _links_of(snapshot, region)


def _link_of(snapshot: Snapshot, region: RegionPath, child: int) -> Link:
    """One of what a region consists of."""
    if len(region) >= KEPT_DEPTH:
        names = snapshot.names(region)
        if len(set(names.values())) == len(names):  # as almost always: nothing has to be told apart
            return Link(names[child], page(snapshot.election.code, (*region, child)))
    return links_of(snapshot, region)[child]


def _links_of(snapshot: Snapshot, region: RegionPath) -> Mapping[int, Link]:
    names = dict(snapshot.names(region))
    if snapshot.election.abroad in names:
        names[snapshot.election.abroad] = names[snapshot.election.abroad].removeprefix("+")
    shared = _shared(names)
    names |= {child: f"{names[child]} ({_what_is_in(snapshot, (*region, child))})" for child in shared}
    names |= {child: f"{names[child]} [{child}]" for child in _shared(names)}
    return {child: Link(name, page(snapshot.election.code, (*region, child))) for child, name in names.items()}


def _shared(names: dict[int, str]) -> list[int]:
    counted = Counter(names.values())
    return [child for child, name in names.items() if counted[name] > 1]


def _what_is_in(snapshot: Snapshot, region: RegionPath) -> str:
    """The only part of it, as a city is of one of six "Amerika Serikat"; its id if it has several."""
    names = list(snapshot.names(region).values()) if len(region) < STATION_DEPTH else []
    return names[0] if len(names) == 1 else str(region[-1])
