"""What the bucket has of the site: a list for each part, and a note of the whole.

A list is written before the part is (what will change counts as unknown from then on) and after it. So it never says
of an object what isn't true, wherever a run died, and the next run goes on there.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.bridge.errors import OperatorError
from roles.bucket.bucket import Bucket

SITE_NOTE = "site.json"
PARTS = "site-parts/"
PART_SUFFIX = ".json.gz"
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
        snapshot: The snapshot whose figures it has in full; None while it is brought to another one.
        look: The digest of the code that all of its pages are rendered by; None while they are rendered anew.
    """

    run: str
    filling: str
    snapshot: str | None = None
    look: str | None = None


class PartList(_Document):
    """What the bucket has of a part.

    Args:
        look: The digest of the code that all of it was rendered by; None if not all by the same.
        digests: A digest of what each object depends on, by its public path.
    """

    look: str | None = None
    digests: Mapping[str, str] = {}


@dataclass(frozen=True)
class Seen:
    """A part's list, and which version of it was seen; None if there was none."""

    list: PartList
    etag: str | None


@dataclass(frozen=True)
class Contents:
    """The lists in a bucket."""

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

    def part(self, name: str) -> Seen:
        """A part's list.

        Raises:
            OperatorError: S3 refuses, or it can't be read.
        """
        key = part_key(name)
        kept = self.bucket.read(key)
        return Seen(_parse(PartList, gzip.decompress(kept.body), key), kept.etag) if kept else Seen(PartList(), None)

    def write_part(self, name: str, part: PartList, seen: str | None) -> str:
        """Write a part's list, and return which version it is now.

        Raises:
            ConflictError: Another run wrote it in the meantime.
        """
        return self.bucket.write(part_key(name), _packed(part), content_type=GZIP, seen=seen)

    def forget(self, name: str, paths: Mapping[str, str]) -> None:
        """Note that these objects of a part are not known: two runs wrote there at the same time."""
        part = self.part(name).list
        body = part.model_copy(update={"digests": {**part.digests, **dict.fromkeys(paths, UNKNOWN)}})
        self.bucket.overwrite(part_key(name), _packed(body), content_type=GZIP)

    def part_names(self) -> list[str]:
        """The parts that the bucket has a list of."""
        return [key.removeprefix(PARTS).removesuffix(PART_SUFFIX) for key in self.bucket.keys(PARTS)]


def part_key(name: str) -> str:
    """Where a part's list is."""
    return f"{PARTS}{name}{PART_SUFFIX}"


def _packed(part: PartList) -> bytes:
    return gzip.compress(part.model_dump_json().encode(), mtime=0)


def _parse(model: type[_DocumentT], body: bytes, key: str) -> _DocumentT:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise OperatorError(
            f"{key} in the bucket is not as this version of the tasks writes it; the site was left as it is",
            next_command="the same with the newest version of this checkout",
        ) from error
