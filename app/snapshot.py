"""Reading a snapshot: which one is current, and what its documents say."""

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from app import layout
from app.election import read_election
from app.forms import Form, Rule
from app.layout import RegionPath
from app.pack import DamagedError, Pack

COMPLETE = ".complete"
"""Written last when a snapshot or release arrives; without it, the directory is half of one."""

Json = Mapping[str, Any]

KEPT_LINKS = 2048
"""Of how many regions it is kept what they consist of: each page names the regions above it."""


class NotFoundError(Exception):
    """The snapshot has no such region or polling station."""


class NotReadyError(Exception):
    """There is no usable snapshot."""


@dataclass(frozen=True)
class StationNote:
    """What its kelurahan's progress says of a polling station, beside its form.

    Args:
        registered: Voters on its list; known here only where the form has far more votes.
        has_time: Whether its form's time is known.
    """

    registered: int | None = None
    has_time: bool = True


@dataclass(frozen=True)
class StationForm:
    """A polling station's published form.

    Args:
        form: Its figures.
        received_at: Its time in the tables (`Election.form_time`); None where that is not known.
        registered: Voters on its list; known here only where the form has far more votes.
    """

    form: Form
    received_at: dt.datetime | None
    registered: int | None

    @property
    def remarks(self) -> tuple[Rule, ...]:
        """The rules that its figures don't pass."""
        return self.form.remarks(self.registered)


@dataclass(frozen=True)
class Remarks:
    """How many forms fail any rule, and how many each."""

    forms: int
    rules: Mapping[Rule, int]


@dataclass(frozen=True)
class Progress:
    """How many polling stations there are, how many have figures, and what a comparison of these found.

    `remarks` is None where nobody has compared: an earlier loader's snapshot says nothing of it.
    """

    stations: int
    entered: int
    remarks: Remarks | None = None


@dataclass(frozen=True)
class RegionProgress:
    """A region's progress, and that of what it consists of, by id; of a kelurahan, only its own."""

    own: Progress
    parts: Mapping[int, Progress]


@dataclass(frozen=True)
class Correction:
    """That numbers went back with a snapshot.

    Args:
        at: When.
        reason: Why, in the operators' words.
    """

    at: dt.datetime
    reason: str


def mark(directory: Path) -> str | None:
    """Which snapshot or release a directory is: its name, and when it was complete; None while it is not.

    One that came anew, in the place of one of the same name that was altered here, is another one. The host's nginx
    says the same of it (templates/app/etc/nginx/tegak/current.lua.j2).
    """
    try:
        return f"{directory.name}@{os.stat(f'{directory}/{COMPLETE}').st_mtime_ns}"  # noqa: PTH116  # asked for each page
    except OSError:
        return None


def target_of(link: Path) -> Path:
    """Where a link leads, by one look at it alone: `resolve` looks at each directory above it too, for each page."""
    try:
        return link.parent / os.readlink(link)  # noqa: PTH115
    except OSError:
        return link  # a directory itself, or nothing


@dataclass(frozen=True)
class Publication:
    """When results were published.

    Args:
        at: When the snapshot was built, which was a moment before.
        next_due: When the next ones are due; None where nobody has said so.
    """

    at: dt.datetime
    next_due: dt.datetime | None


class Snapshot:
    """A snapshot's directory, resolved once, so that a request sees one snapshot from beginning to end.

    Args:
        directory: The snapshot, or the link to the current one.

    Raises:
        NotReadyError: It is missing or incomplete.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.mark = mark(self.directory)
        if self.mark is None:
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
        if "election" not in manifest:
            raise NotReadyError(f"{directory} doesn't say of which election it is")
        self.election = read_election(manifest["election"])
        self.as_of = dt.datetime.fromisoformat(str(manifest["as_of"]))
        self.published = _publication(self._pack.modified, manifest.get("every_seconds"))
        said = manifest.get("correction")
        self.correction = Correction(layout.read_utc_time(said["at"]), str(said["reason"])) if said else None
        self.kept = lru_cache(maxsize=KEPT_LINKS)(self._made)

    def _made(
        self, make: Callable[["Snapshot", RegionPath], Mapping[int, Any]], region: RegionPath
    ) -> Mapping[int, Any]:
        """What is made of it for a region; asked for as `kept`, it is made once."""
        return make(self, region)

    def names(self, region: RegionPath) -> Mapping[int, str]:
        """The names of what a region consists of, by id."""
        document = self._require(layout.names_file(region))
        return {int(child): str(entry["nama"]) for child, entry in document.items()}

    def count(self, region: RegionPath) -> Json:
        """A region's count, as published."""
        return self._require(layout.count_file(self.election.code, region))

    def progress(self, region: RegionPath) -> RegionProgress:
        """The progress of a region down to the kecamatan."""
        document = self._read(layout.progress_file(self.election.code, region))
        if document is None:
            own = _progress(self.count(region)["progress"])
            return RegionProgress(own, {part: self.own_progress((*region, part)) for part in self.names(region)})
        parts = {int(part): _progress(of_part) for part, of_part in document["table"].items()}
        return RegionProgress(_progress(document["progress"]), parts)

    def own_progress(self, region: RegionPath) -> Progress:
        """A region's progress alone."""
        document = self._read(layout.progress_file(self.election.code, region)) or self.count(region)
        return _progress(document["progress"])

    def station_notes(self, kelurahan: RegionPath) -> dict[int, StationNote]:
        """What there is to say of a kelurahan's polling stations beside their forms; of most of them nothing."""
        document = self._read(layout.progress_file(self.election.code, kelurahan)) or {"table": {}}
        return {
            int(station): StationNote(note.get("terdaftar"), "foto_pertama" not in note)
            for station, note in document["table"].items()
        }

    def station(self, path: RegionPath, note: StationNote | None = None) -> StationForm | None:
        """A polling station's form; None if nothing is entered.

        Raises:
            NotFoundError: There is no such station.
        """
        document = self._require(layout.count_file(self.election.code, path))
        if not document:
            return None
        note = note or StationNote()
        received_at = layout.read_time(document["ts"]) if note.has_time else None
        return StationForm(layout.read_form(document, self.election.keys), received_at, note.registered)

    def document(self, address: str) -> bytes | None:
        """A published document by its address on the site, which is one of `app.addresses`; None if there is none."""
        return self._pack.read(address)

    def _require(self, file: str) -> Json:
        document = self._read(file)
        if document is None:
            raise NotFoundError(file)
        return document

    def _read(self, file: str) -> Json | None:
        body = self.document(f"/{file}")
        return None if body is None else cast("Json", json.loads(body.decode()))


def _publication(at: int, every_seconds: int | None) -> Publication:
    next_due = (at // every_seconds + 1) * every_seconds if every_seconds else None
    return Publication(
        dt.datetime.fromtimestamp(at, dt.UTC), None if next_due is None else dt.datetime.fromtimestamp(next_due, dt.UTC)
    )


def _progress(document: Json) -> Progress:
    remarks = document.get("catatan")
    of_rules = remarks and Remarks(remarks["formulir"], {rule: remarks[rule.value] for rule in Rule})
    return Progress(document["total"], document["proses"], of_rules or None)
