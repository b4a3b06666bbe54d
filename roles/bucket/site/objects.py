"""What the site in the bucket consists of, and what each page and file of it depends on.

It is what is shown when no location answers: the nation down to the kecamatan, each page of which has a line for each
of its kelurahan. Pages and files of kelurahan and polling stations, 98 of 100, are not there (docs/decisions/0077).

A page or file is written again when what it depends on has changed, which is compared by digests. The snapshot's time
is no part of that (docs/decisions/0052).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from app import layout
from app.addresses import DEFAULT_PAGE, page
from app.layout import RegionPath
from app.snapshot import Snapshot

DEEPEST = 3
"""So deep are the regions whose pages and files are there: kecamatan."""

ROBOTS = "/robots.txt"
DIGITS = 16

Digests = Mapping[str, str]
"""A digest of what each page or file depends on, by its public path."""


def read_objects(snapshot: Snapshot, look: str, deepest: int = DEEPEST) -> Sequence[Digests]:
    """The site's pages and files, in the order in which they are written.

    What is deeper comes first, so that no page leads to one that isn't there but for those that never are; the national
    page comes last of all.

    Args:
        snapshot: The snapshot.
        look: The digest of the code that renders the pages.
        deepest: How deep the regions are that are there.
    """
    reader = _Reader(snapshot, look)
    levels: list[dict[str, str]] = [{} for _ in range(deepest + 1)]
    for region, trail in reader.regions(deepest):
        levels[len(region)] |= reader.region(region, trail)
    nation = page(snapshot.election.code)
    digest = levels[0].pop(nation)
    levels[0] |= reader.of_no_region()
    return [*reversed(levels), {nation: digest, DEFAULT_PAGE: digest}]


class _Reader:
    def __init__(self, snapshot: Snapshot, look: str) -> None:
        self._snapshot, self._election = snapshot, snapshot.election.code
        # What all pages show, beside the time.
        self._of_pages = f"{look}\0{snapshot.correction}".encode()

    def regions(self, deepest: int, region: RegionPath = (), trail: bytes = b"") -> Iterator[tuple[RegionPath, bytes]]:
        """A region and what is below it, each with the names of itself and those above it, which its page shows."""
        yield region, trail
        if len(region) < deepest:
            for child, name in self._snapshot.names(region).items():
                yield from self.regions(deepest, (*region, child), trail + name.encode() + b"\0")

    def region(self, region: RegionPath, trail: bytes) -> dict[str, str]:
        """A region's page, and its files."""
        count_file, progress_file = (file(self._election, region) for file in (layout.count_file, layout.progress_file))
        names, count, progress = map(self._read, (layout.names_file(region), count_file, progress_file))
        count = _timeless(count)
        return {
            f"/{layout.names_file(region)}": _digest(names),
            f"/{count_file}": _digest(count),
            f"/{progress_file}": _digest(progress),
            page(self._election, region): _digest(self._of_pages, trail, names, count, progress),
        }

    def of_no_region(self) -> dict[str, str]:
        """The files that belong to no region."""
        files = [layout.candidates_file(self._election), layout.VERSION]
        files += [layout.ABROAD_NAMES] if self._snapshot.election.abroad in self._snapshot.names(()) else []
        return {ROBOTS: _digest(b""), **{f"/{file}": _digest(self._read(file)) for file in files}}

    def _read(self, file: str) -> bytes:
        body = self._snapshot.document(f"/{file}")
        if body is None:
            raise LookupError(f"snapshot {self._snapshot.name} lacks {file}")
        return body


def _timeless(count: bytes) -> bytes:
    """A region's count without its time, which is the snapshot's."""
    document = cast("dict[str, Any]", json.loads(count))
    del document["ts"]
    return layout.dump(document)


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:DIGITS]
