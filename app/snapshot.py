"""Reading a snapshot: which one is current, and what its documents say."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from app import layout
from app.forms import Form
from app.layout import RegionPath
from app.pack import DamagedError, Pack

COMPLETE = ".complete"
"""Written last when a snapshot or release arrives; without it, the directory is half of one."""

Json = Mapping[str, Any]


class NotFoundError(Exception):
    """The snapshot has no such region or polling station."""


class NotReadyError(Exception):
    """There is no usable snapshot."""


@dataclass(frozen=True)
class StationForm:
    """A polling station's published form."""

    form: Form
    entered_at: str


class Snapshot:
    """A snapshot's directory, resolved once, so that a request sees one snapshot from beginning to end.

    Args:
        directory: The snapshot, or the link to the current one.

    Raises:
        NotReadyError: It is missing or incomplete.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        if not (self.directory / COMPLETE).exists():
            raise NotReadyError(f"{directory} is not a complete snapshot")
        try:
            manifest = json.loads((self.directory / layout.MANIFEST).read_bytes())
            self._pack = Pack(self.directory)
            lacking = [name for name in manifest["files"] if not (self.directory / name).exists()]
        except FileNotFoundError as error:
            raise NotReadyError(f"{directory} has no {Path(error.filename).name}") from error
        except DamagedError as error:
            raise NotReadyError(str(error)) from error
        if lacking:
            raise NotReadyError(f"{directory} has no {lacking[0]}")
        self.name = str(manifest["snapshot"])
        self.as_of = dt.datetime.fromisoformat(str(manifest["as_of"]))

    def names(self, region: RegionPath) -> dict[int, str]:
        """The names of what a region consists of, by id."""
        document = self._require(layout.names_file(region))
        return {int(child): str(entry["nama"]) for child, entry in document.items()}

    def count(self, region: RegionPath) -> Json:
        """A region's count, as published."""
        return self._require(layout.count_file(region))

    def progress(self, region: RegionPath) -> dict[int, tuple[int, int, int]]:
        """Polling stations in all, entered, and contradictory, of each part of a region."""
        document = self._require(layout.progress_file(region))
        return {int(child): (part[0], part[1], part[2]) for child, part in document.items()}

    def station(self, path: RegionPath) -> StationForm | None:
        """A polling station's form; None if nothing is entered.

        Raises:
            NotFoundError: There is no such station.
        """
        document = self._require(layout.count_file(path))
        return StationForm(layout.read_form(document), str(document["ts"])) if document else None

    def document(self, address: str) -> bytes | None:
        """A published document by its address on the site, which is one of `app.addresses`; None if there is none."""
        return self._pack.read(address)

    def _require(self, file: PurePosixPath) -> Json:
        body = self.document(f"/{file}")
        if body is None:
            raise NotFoundError(str(file))
        return cast("Json", json.loads(body))
