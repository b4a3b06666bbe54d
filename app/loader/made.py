"""What is kept of a built snapshot, so that the next one is made of it: beside its files, and never sent to a host."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import polars as pl

from app import layout
from app.loader.documents import Changed
from app.loader.pack_index import Index
from app.loader.packing import Changes, Previous
from app.loader.regions import NATION, Region
from app.pack import INDEX_FILES, segment_file

MADE = ".made"
"""The folder, in the snapshot's."""

STATE, STATIONS, CHANGES = "state.json", "stations.arrow", "changes.json"
MOST_SEGMENTS = 48
"""A snapshot of more is made from nothing: each is a file that a host has open."""

LEAST_IN_USE = 0.5
"""Of the bytes of the segments; where it is less, a snapshot is made from nothing too."""

_PROJECT = Path(__file__).resolve().parents[2]
_CODE = ("app/loader", "app/layout.py", "app/forms.py", "app/pack.py")
_PLACE = ("id", "kelurahan_id", "number")
"""What a polling station is: where these differ, it is not only its figures that have changed."""


@dataclass(frozen=True)
class Made:
    """A built snapshot, from which the next one can be made.

    Args:
        pack: Its pack.
        manifest: What is signed of it.
        stations: The polling stations that it was made of.
        regions: The digest of the table of regions.
    """

    pack: Previous
    manifest: Mapping[str, Any]
    stations: pl.DataFrame
    regions: str

    @property
    def modified(self) -> int:
        """When it was built, in unix seconds."""
        return int(self.manifest["modified"])

    @property
    def is_worn(self) -> bool:
        """Whether so much of its segments is out of use that the next one had better be made from nothing."""
        segments = self.pack.index.segments
        held = sum((self.pack.directory / segment_file(number)).stat().st_size for number in segments)
        return len(segments) >= MOST_SEGMENTS or self.pack.index.live_bytes < held * LEAST_IN_USE

    def changed(self, stations: pl.DataFrame, regions: str, tree: Mapping[int, Region]) -> Changed | None:
        """What may have other documents with these tables; None where that is not to be told.

        A form whose time isn't known shows the snapshot's, and so is always among them.
        """
        before, columns = self.stations, [name for name in stations.columns if name not in _PLACE]
        if self.regions != regions or before.schema != stations.schema or before.height != stations.height:
            return None
        if not before.select(_PLACE).equals(stations.select(_PLACE)):
            return None
        differs = stations["entered"] & stations["time"].is_null()
        for name in columns:
            differs |= stations[name].ne_missing(before[name])
        found = stations.filter(differs)
        above = {NATION}.union(*(tree[number].path for number in found["kelurahan_id"].unique()))
        return Changed(found["id"], pl.Series(sorted(above), dtype=pl.Int64))


def keep(directory: Path, stations: pl.DataFrame, regions: str, changes: Changes, made_of: str | None) -> None:
    """Keep in a snapshot's folder what the next one is made of, and what it has otherwise than the one before."""
    made = directory / MADE
    made.mkdir()
    stations.write_ipc(made / STATIONS, compression="lz4")
    state = {"code": code_digest(), "regions": regions, "stations": sha256_of(made / STATIONS)}
    (made / STATE).write_text(json.dumps(state), encoding="utf-8")
    if made_of is not None:
        (made / CHANGES).write_text(json.dumps({"from": made_of, **asdict(changes)}), encoding="utf-8")


def read_made(directory: Path) -> Made | None:
    """What was kept of a snapshot; None where it is not there, not whole, or of other code than this."""
    made = directory / MADE
    try:
        state = json.loads((made / STATE).read_bytes())
        manifest = cast("dict[str, Any]", json.loads((directory / layout.MANIFEST).read_bytes()))
        whole = all(sha256_of(directory / name) == manifest["files"][name] for name in INDEX_FILES)
        if not whole or state["code"] != code_digest() or state["stations"] != sha256_of(made / STATIONS):
            return None
        stations = pl.read_ipc(made / STATIONS)
        pack = Previous(manifest["snapshot"], directory, Index.read(directory))
        return Made(pack, manifest, stations, state["regions"])
    except (OSError, ValueError, LookupError, pl.exceptions.PolarsError):
        return None


@cache
def code_digest() -> str:
    """The digest of what decides, with the source, how a snapshot comes out."""
    digest = hashlib.sha256()
    for part in _CODE:
        for file in sorted((_PROJECT / part).rglob("*.py")) or [_PROJECT / part]:
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """A file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
