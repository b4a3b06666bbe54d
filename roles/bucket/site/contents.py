"""What the bucket has of the site: a list of its pages and files, and a note of the whole.

The list is written before they are (what will change counts as unknown from then on) and after them. So it never says
of an object what isn't true, wherever a run died, and the next run goes on there.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.bridge.errors import OperatorError
from roles.bucket.bucket import Bucket

SITE_NOTE = "site.json"
SITE_LIST = "site-objects.json.gz"
UNKNOWN = ""
"""Stands for the digest of what is being written or removed."""

JSON = "application/json"
GZIP = "application/gzip"


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_DocumentT = TypeVar("_DocumentT", bound=_Document)


class SiteNote(_Document):
    """What stands below site/ as a whole.

    Args:
        run: Who wrote it: each time that the site is brought up to date is a run of its own.
        filling: The snapshot that it is being brought to.
        snapshot: The snapshot that it shows; None while it is brought to another one.
        look: The digest of the code that its pages are rendered by; None likewise.
    """

    run: str
    filling: str
    snapshot: str | None = None
    look: str | None = None


class SiteList(_Document):
    """What the bucket has: a digest of what each object depends on, by its public path."""

    digests: Mapping[str, str] = {}


@dataclass(frozen=True)
class Contents:
    """The two in a bucket."""

    bucket: Bucket

    def note(self) -> tuple[SiteNote | None, str | None]:
        """The note of the whole, and which version of it was seen.

        Raises:
            OperatorError: S3 refuses, or it can't be read.
        """
        kept = self.bucket.read(SITE_NOTE)
        return (_parse(SiteNote, kept.body, SITE_NOTE), kept.etag) if kept else (None, None)

    def write_note(self, note: SiteNote, seen: str | None) -> str:
        """Write it, and return which version it is now.

        Raises:
            ConflictError: Another run wrote it in the meantime.
        """
        return self.bucket.write(SITE_NOTE, note.model_dump_json().encode(), content_type=JSON, seen=seen)

    def listed(self) -> tuple[Mapping[str, str], str | None]:
        """The digests that are listed, and which version of the list was seen; None if there was none.

        Raises:
            OperatorError: S3 refuses, or it can't be read.
        """
        kept = self.bucket.read(SITE_LIST)
        return (_parse(SiteList, gzip.decompress(kept.body), SITE_LIST).digests, kept.etag) if kept else ({}, None)

    def write_list(self, digests: Mapping[str, str], seen: str | None) -> str:
        """Write the list, and return which version it is now.

        Raises:
            ConflictError: Another run wrote it in the meantime.
        """
        return self.bucket.write(SITE_LIST, _packed(digests), content_type=GZIP, seen=seen)

    def forget(self, paths: Iterable[str]) -> None:
        """Note that nobody knows what these objects are: two runs wrote there at the same time."""
        digests, _ = self.listed()
        body = _packed({**digests, **dict.fromkeys(paths, UNKNOWN)})
        self.bucket.overwrite(SITE_LIST, body, content_type=GZIP)
        note, seen = self.note()
        if note is not None:
            self.write_note(note.model_copy(update={"snapshot": None, "look": None}), seen)


def _packed(digests: Mapping[str, str]) -> bytes:
    return gzip.compress(SiteList(digests=digests).model_dump_json().encode(), mtime=0)


def _parse(model: type[_DocumentT], body: bytes, key: str) -> _DocumentT:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise OperatorError(
            f"{key} in the bucket is not as this version of the tasks writes it; the site was left as it is",
            next_command="the same with the newest version of this checkout",
        ) from error
