"""The 2019 layout: where each file is and what its JSON says, as newspapers' and volunteers' clients read it.

Files are named from the site's root, without a slash before them: in text, since a page names a dozen of them.

Regions are named by their path: the ids from the province down, none for the nation.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from app.election import Election
from app.forms import Form

JSON_ROOT = "static/json"
MANIFEST = PurePosixPath("snapshot.json")
MANIFEST_SIGNATURE = PurePosixPath("snapshot.json.sig")
"""What is signed of a snapshot, since it has the digest of each of its files; and its ssh signature."""

VERSION = f"{JSON_ROOT}/version.json"
ABROAD_NAMES = f"{JSON_ROOT}/wilayah/ln.json"
"""What abroad consists of, once more: some clients read it here."""

WIB = dt.timezone(dt.timedelta(hours=7), "WIB")
"""Western Indonesian time: what the count's own time stamps are in; only version.json is in UTC."""

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

RegionPath = tuple[int, ...]


def dump(document: object) -> bytes:
    """JSON without spaces, as published."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def names_file(region: RegionPath) -> str:
    """The file that names what a region consists of."""
    return f"{JSON_ROOT}/wilayah/{'/'.join(map(str, region)) or '0'}.json"


def candidates_file(election: str) -> str:
    """The file that names the candidates of an election."""
    return f"{JSON_ROOT}/{election}.json"


def candidates_body(election: Election) -> bytes:
    """What the candidates are called."""
    return dump({each.key: {"nama": each.name, "nomor_urut": str(each.number)} for each in election.candidates})


def count_file(election: str, region: RegionPath) -> str:
    """The file with a region's count in an election, or, for a path of five ids, a polling station's form."""
    return f"{JSON_ROOT}/hhcw/{'/'.join([election, *map(str, region)])}.json"


def progress_file(election: str, region: RegionPath) -> str:
    """The file with the progress of a region and of what it consists of, and what a comparison of the forms found.

    The layout has no such thing: this file is our own, beside it (docs/decisions/0070).
    """
    return f"{JSON_ROOT}/kemajuan/{'/'.join([election, *map(str, region)])}.json"


def read_form(document: Mapping[str, Any], keys: Iterable[str]) -> Form:
    """The form in a polling station's file, with the votes of these candidates."""
    votes = tuple(int(document["chart"][key]) for key in keys)
    return Form(votes, document["suara_sah"], document["suara_tidak_sah"], document["pengguna_j"])


def local_time(moment: dt.datetime) -> str:
    """A time stamp of the count, in western Indonesian time."""
    return moment.astimezone(WIB).strftime(TIME_FORMAT)


def read_time(text: str) -> dt.datetime:
    """The moment of a time stamp of the count."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=WIB)


def utc_time(moment: dt.datetime) -> str:
    """A time stamp in UTC."""
    return moment.astimezone(dt.UTC).strftime(TIME_FORMAT)


def read_utc_time(text: str) -> dt.datetime:
    """The moment of a time stamp in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def version_body(as_of: dt.datetime, correction: Mapping[str, str] | None = None) -> bytes:
    """When the snapshot's data is from, in UTC; and where numbers went back, that it is a correction.

    Situng's has no such thing: its clients read `version` alone.
    """
    return dump({"version": utc_time(as_of), **({"correction": correction} if correction else {})})
