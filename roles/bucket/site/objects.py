"""What the site in the bucket consists of, and what each page and file of it depends on.

A page is rendered and written again when what it depends on has changed, which is compared by digests. The snapshot's
time is no part of that: the nation has 1.7 million pages and files, each with that time in it, and a quarter of an hour
of the count changes a few thousand of them (docs/decisions/0052-only-what-changed-is-written.md).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

from app import layout
from app.addresses import DEFAULT_PAGE, page
from app.layout import RegionPath
from app.pages import KELURAHAN_DEPTH
from app.snapshot import Snapshot

PART_DEPTH = 2
"""A part is a kabupaten or kota: 514 of them, with 3,000 pages and files each, and one part for what is above them."""

TOP = "nation"
ROBOTS = "/robots.txt"
DIGITS = 16

Digests = Mapping[str, str]
"""A digest of what each page or file depends on, by its public path."""


@dataclass(frozen=True)
class Part:
    """A part of the site.

    Args:
        name: Its name.
        stages: Its pages and files in the order in which they are written: what is deeper first, so that no page
            leads to one that isn't there.
    """

    name: str
    stages: Sequence[Digests]

    @property
    def digests(self) -> dict[str, str]:
        """All of its pages and files."""
        return {path: digest for stage in self.stages for path, digest in stage.items()}


def read_parts(snapshot: Snapshot) -> Iterator[Part]:
    """The parts of a snapshot's site, in the order in which they are written: the nation's own last."""
    reader = _Reader(snapshot)
    for province in snapshot.names(()):
        for kabupaten in snapshot.names((province,)):
            yield reader.part((province, kabupaten))
    yield reader.top()


class _Reader:
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._election = snapshot, snapshot.election.code

    def part(self, region: RegionPath) -> Part:
        levels: list[dict[str, str]] = [{} for _ in range(PART_DEPTH, KELURAHAN_DEPTH + 2)]
        self._walk(region, self._trail(region), levels)
        return Part("-".join(map(str, region)), [level for level in reversed(levels) if level])

    def top(self) -> Part:
        """The provinces, the nation, and the files that belong to no region; the national page last of all."""
        provinces: dict[str, str] = {}
        for province in self._snapshot.names(()):
            provinces |= self._region((province,), self._trail((province,)))
        nation = self._region((), b"")
        of_nation = page(self._election)
        digest = nation.pop(of_nation)
        last = {of_nation: digest, DEFAULT_PAGE: digest}
        files = [layout.candidates_file(self._election), layout.VERSION]
        files += [layout.ABROAD_NAMES] if self._snapshot.election.abroad in self._snapshot.names(()) else []
        fixed = {f"/{file}": _digest(self._read(file)) for file in files}
        return Part(TOP, [provinces, {ROBOTS: _digest(b""), **fixed, **nation}, last])

    def _walk(self, region: RegionPath, trail: bytes, levels: list[dict[str, str]]) -> None:
        if len(region) == KELURAHAN_DEPTH:
            stations, forms = self._stations(region, trail)
            levels[len(region) + 1 - PART_DEPTH] |= stations
            levels[len(region) - PART_DEPTH] |= self._region(region, trail, forms)
            return
        for child, name in self._snapshot.names(region).items():
            self._walk((*region, child), trail + _named(name), levels)
        levels[len(region) - PART_DEPTH] |= self._region(region, trail)

    def _region(self, region: RegionPath, trail: bytes, forms: bytes = b"") -> dict[str, str]:
        names, count = (
            self._read(layout.names_file(region)),
            _timeless(self._read(layout.count_file(self._election, region))),
        )
        progress = self._read(layout.progress_file(self._election, region))
        return {
            f"/{layout.names_file(region)}": _digest(names),
            f"/{layout.count_file(self._election, region)}": _digest(count),
            f"/{layout.progress_file(self._election, region)}": _digest(progress),
            page(self._election, region): _digest(trail, names, count, progress, forms),
        }

    def _stations(self, region: RegionPath, trail: bytes) -> tuple[dict[str, str], bytes]:
        found: dict[str, str] = {}
        forms = hashlib.sha256()
        notes = json.loads(self._read(layout.progress_file(self._election, region)))["table"]
        for child, name in self._snapshot.names(region).items():
            path = (*region, child)
            body = self._read(layout.count_file(self._election, path))
            found[f"/{layout.count_file(self._election, path)}"] = _digest(body)
            found[page(self._election, path)] = _digest(trail + _named(name), body, layout.dump(notes.get(str(child))))
            forms.update(body)
        return found, forms.digest()

    def _trail(self, region: RegionPath) -> bytes:
        """The names of a region and those above it, which its page shows."""
        names = (self._snapshot.names(region[:depth])[child] for depth, child in enumerate(region))
        return b"".join(_named(name) for name in names)

    def _read(self, file: PurePosixPath) -> bytes:
        body = self._snapshot.document(f"/{file}")
        if body is None:
            raise LookupError(f"snapshot {self._snapshot.name} lacks {file}")
        return body


def _named(name: str) -> bytes:
    return name.encode() + b"\0"


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
