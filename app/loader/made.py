"""What is kept of a built snapshot, so that the next one is made of it: beside its files, and never sent to a host."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl

from app import layout
from app.loader.changed import Changed
from app.loader.kept import CHANGES, MADE, code_digest, sha256_of
from app.loader.pack_index import Index
from app.loader.packing import Changes, Previous
from app.loader.regions import NATION
from app.pack import INDEX_FILES, segment_file

STATE, STATIONS, REGIONS = "state.json", "stations.arrow", "regions.arrow"
MOST_SEGMENTS = 48
"""A snapshot of more is made from nothing: each is a file that a host has open."""

LEAST_IN_USE = 0.5
"""Of the bytes of the segments; where it is less, a snapshot is made from nothing too."""

_PLACE = ("id", "kelurahan_id", "number")
"""What a polling station is: where these differ, it is not only its figures that have changed."""


@dataclass(frozen=True)
class Tables:
    """What a snapshot is made of.

    Args:
        stations: The polling stations, with flags.
        regions: The regions.
        regions_table: The digest of what these were read from: the table, and the election.
    """

    stations: pl.DataFrame
    regions: pl.DataFrame
    regions_table: str


@dataclass(frozen=True)
class Made:
    """A built snapshot, from which the next one can be made.

    Args:
        pack: Its pack.
        manifest: What is signed of it.
        tables: What it was made of.
    """

    pack: Previous
    manifest: Mapping[str, Any]
    tables: Tables

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

    def changed(self, tables: Tables) -> Changed | None:
        """What may have other documents with these tables; None where that is not to be told.

        A form whose time isn't known shows the snapshot's, and so is always among them.
        """
        before, stations = self.tables.stations, tables.stations
        columns = [name for name in stations.columns if name not in _PLACE]
        if (
            self.tables.regions_table != tables.regions_table
            or before.schema != stations.schema
            or before.height != stations.height
        ):
            return None
        if not before.select(_PLACE).equals(stations.select(_PLACE)):
            return None
        differs = stations["entered"] & stations["time"].is_null()
        for name in columns:
            differs |= stations[name].ne_missing(before[name])
        found = stations.filter(differs)
        paths = tables.regions.filter(pl.col("id").is_in(found["kelurahan_id"].implode()))["path"]
        above = {NATION, *(int(part) for part in "/".join(paths).split("/") if part)}
        return Changed(found["id"], pl.Series(sorted(above), dtype=pl.Int64))


def keep(directory: Path, tables: Tables, changes: Changes, made_of: str | None) -> None:
    """Keep in a snapshot's folder what the next one is made of, and what it has otherwise than the one before."""
    made = directory / MADE
    made.mkdir()
    kept = {STATIONS: tables.stations, REGIONS: tables.regions}
    for name, table in kept.items():
        table.write_ipc(made / name, compression="lz4")
    state = {"code": code_digest(), "regions_table": tables.regions_table}
    state |= {name: sha256_of(made / name) for name in kept}
    (made / STATE).write_text(json.dumps(state), encoding="utf-8")
    if made_of is not None:
        (made / CHANGES).write_text(json.dumps({"from": made_of, **asdict(changes)}), encoding="utf-8")


def read_made(directory: Path) -> Made | None:
    """What was kept of a snapshot; None where it is not there, not whole, or of other code than this."""
    made = directory / MADE
    try:
        state = json.loads((made / STATE).read_bytes())
        manifest = cast("dict[str, Any]", json.loads((directory / layout.MANIFEST).read_bytes()))
        wanted = {name: manifest["files"][name] for name in INDEX_FILES}
        wanted |= {f"{MADE}/{name}": state[name] for name in (STATIONS, REGIONS)}
        if state["code"] != code_digest() or any(sha256_of(directory / name) != sha for name, sha in wanted.items()):
            return None
        stations, regions = (pl.read_ipc(made / name) for name in (STATIONS, REGIONS))
        pack = Previous(manifest["snapshot"], directory, Index.read(directory))
        return Made(pack, manifest, Tables(stations, regions, state["regions_table"]))
    except (OSError, ValueError, LookupError, pl.exceptions.PolarsError):
        return None
