"""Snapshots of the tests' own: a pack of whatever documents, and what a snapshot has at its addresses."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from app.loader.build import BuiltSnapshot
from app.loader.kept import MADE
from app.loader.packing import Documents, PackWriter
from app.snapshot import COMPLETE
from tests.stands.elections import PILPRES

MODIFIED = 1_555_555_555
STAMP = '{"ts":"2019-04-17 07:00:00"'


def write_pack(directory: Path, documents: Mapping[str, bytes], *, stamped: Mapping[str, bytes] | None = None) -> None:
    """A pack of the documents, by their addresses, in a directory that is there; and of stamped ones."""
    pack = PackWriter(directory, STAMP)
    pack.add(table(documents))
    pack.add(table(stamped or {}, stamped=True))
    pack.end(MODIFIED)


def table(documents: Mapping[str, bytes | None], *, stamped: bool = False) -> Documents:
    """Documents as the builder has them."""
    bodies = [None if body is None else body.decode() for body in documents.values()]
    columns = {"address": list(documents), "body": bodies}
    return Documents(pl.DataFrame(columns, {"address": pl.String, "body": pl.String}), stamped)


def write_snapshot(directory: Path, documents: Mapping[str, bytes], name: str = "20190417T000000Z-0000000000") -> Path:
    """A whole snapshot of the documents; returns its directory."""
    directory.mkdir(parents=True)
    write_pack(directory, documents)
    files = dict.fromkeys(path.name for path in directory.iterdir())
    election = PILPRES.document()
    manifest = {"snapshot": name, "election": election, "as_of": "2019-04-17T00:00:00+00:00", "files": files}
    (directory / "snapshot.json").write_text(json.dumps(manifest))
    (directory / COMPLETE).touch()
    return directory


def unpack_snapshot(built: BuiltSnapshot, snapshots: Path) -> Path:
    """A built snapshot as it is on a host; returns its directory."""
    directory = shutil.copytree(built.directory, snapshots / built.name, ignore=shutil.ignore_patterns(MADE))
    (directory / COMPLETE).touch()
    return directory
