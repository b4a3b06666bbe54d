"""Bringing site/ to a snapshot: what differs is rendered and written, what is gone is removed.

First the figures, everywhere; then, if the pages' code has changed, all pages anew: an hour of new style sheets must
not keep the newest figures out.
"""

import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from app.snapshot import Snapshot
from infra.bridge.bucket_layout import SITE_PREFIX
from roles.aws.clients import CONNECTIONS
from roles.bucket.bucket import Bucket, ConflictError
from roles.bucket.site.contents import UNKNOWN, Contents, PartList, SiteNote, part_key
from roles.bucket.site.objects import Part, read_parts
from roles.bucket.site.service import PageService

AT_ONCE = CONNECTIONS
"""Objects on their way at the same time."""

Progress = Callable[[str, int, int], None]
"""Called with the step's name, what is done and what there is in all."""


@dataclass
class Tally:
    """How many objects were written and removed."""

    written: int = 0
    removed: int = 0


@dataclass
class Filling:
    """One run.

    Args:
        bucket: The bucket.
        snapshot: The snapshot, unpacked.
        look: The digest of the code that renders the pages.
        service: Renders them.
        progress: Told how far it is.
        seen: Which version of the note of the whole was there before the log was read that says what to publish: if
            another run has begun since, that one knows better.
    """

    bucket: Bucket
    snapshot: Snapshot
    look: str
    service: PageService
    progress: Progress
    seen: str | None
    tally: Tally = field(default_factory=Tally)
    _run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def fill(self) -> Tally:
        """Do it.

        Raises:
            ConflictError: Another run has begun since.
            OperatorError: S3 refuses or doesn't answer, or the service doesn't; the next run goes on from there.
        """
        note = SiteNote(run=self._run, filling=self.snapshot.name)
        etag = self._contents.write_note(note, self.seen)
        stale = self._figures()
        note = note.model_copy(update={"snapshot": self.snapshot.name})
        if stale:
            etag = self._contents.write_note(note, etag)
            self._pages_anew(stale)
        self._contents.write_note(note.model_copy(update={"look": self.look}), etag)
        return self.tally

    @property
    def _contents(self) -> Contents:
        return Contents(self.bucket)

    def _figures(self) -> set[str]:
        """Bring every part to the snapshot; the names of those of which not all is rendered by the present code."""
        done, stale, total = set[str](), set[str](), self._count()
        for part in read_parts(self.snapshot):
            if not self._bring(part):
                stale.add(part.name)
            done.add(part.name)
            self.progress("filling site/", len(done), total)
        for name in sorted(set(self._contents.part_names()) - done):
            self._bring(Part(name, []))
            self.bucket.remove([part_key(name)])
        return stale

    def _pages_anew(self, names: set[str]) -> None:
        done = 0
        for part in read_parts(self.snapshot):
            if part.name in names:
                self._bring(part, anew=True)
                done += 1
                self.progress("rendering site/ anew", done, len(names))

    def _count(self) -> int:
        return 1 + sum(len(self.snapshot.names((province,))) for province in self.snapshot.names(()))

    def _bring(self, part: Part, *, anew: bool = False) -> bool:
        """Bring a part to what it should be; whether all of it is rendered by the present code then."""
        seen, wanted = self._contents.part(part.name), part.digests
        had, look = seen.list.digests, seen.list.look
        changed = {path for path, digest in wanted.items() if anew or had.get(path) != digest}
        gone = [path for path in had if path not in wanted]
        if not changed and not gone:
            return look == self.look
        self._check_whose_turn()
        unknown = dict.fromkeys([*changed, *gone], UNKNOWN)
        etag = self._contents.write_part(part.name, PartList(look=look, digests={**had, **unknown}), seen.etag)
        for stage in part.stages:
            self._write(path for path in stage if path in changed)
        self.bucket.remove([_key(path) for path in gone])
        self.tally.removed += len(gone)
        look = self.look if changed == wanted.keys() or look == self.look else None
        try:
            self._contents.write_part(part.name, PartList(look=look, digests=wanted), etag)
        except ConflictError:
            self._contents.forget(part.name, unknown)
            raise
        return look == self.look

    def _check_whose_turn(self) -> None:
        note, _ = self._contents.note()
        if note is None or note.run != self._run:
            raise ConflictError("somebody else brings site/ up to date now")

    def _write(self, paths: Iterable[str]) -> None:
        executor = ThreadPoolExecutor(AT_ONCE)
        try:
            self.tally.written += sum(executor.map(self._write_one, paths))
        finally:
            # After an error, or an interrupt, what has not begun does not begin.
            executor.shutdown(cancel_futures=True)

    def _write_one(self, path: str) -> int:
        answer = self.service.answer(path)
        self.bucket.overwrite(
            _key(path), answer.body, content_type=answer.content_type, cache_control=answer.cache_control
        )
        return 1


def _key(path: str) -> str:
    return f"{SITE_PREFIX}{path}"
