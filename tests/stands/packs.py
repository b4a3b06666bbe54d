"""Snapshots of the tests' own: a pack of whatever documents, and what a snapshot has at its addresses."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from app.loader.build import BuiltSnapshot
from app.loader.packing import PackWriter
from app.snapshot import COMPLETE

MODIFIED = 1_555_555_555


def write_pack(directory: Path, documents: Mapping[str, bytes]) -> None:
    """A pack of the documents, by their addresses, in a directory that is there."""
    pack = PackWriter(directory)
    bodies = [body.decode() for body in documents.values()]
    pack.add(pl.DataFrame({"address": list(documents), "body": bodies}, {"address": pl.String, "body": pl.String}))
    pack.end(MODIFIED)


def write_snapshot(directory: Path, documents: Mapping[str, bytes], name: str = "20190417T000000Z-0000000000") -> Path:
    """A whole snapshot of the documents; returns its directory."""
    directory.mkdir(parents=True)
    write_pack(directory, documents)
    manifest = {"snapshot": name, "as_of": "2019-04-17T00:00:00+00:00"}
    (directory / "snapshot.json").write_text(json.dumps(manifest))
    (directory / COMPLETE).touch()
    return directory


def unpack_snapshot(built: BuiltSnapshot, snapshots: Path) -> Path:
    """A built snapshot as it is on a host; returns its directory."""
    directory = snapshots / built.name
    with tarfile.open(built.path) as archive:
        archive.extractall(directory, filter="data")
    (directory / COMPLETE).touch()
    return directory
