"""Bringing site/ to a snapshot: what differs is rendered and written, what is gone is removed."""

import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from app.snapshot import Snapshot
from infra.bridge.bucket_layout import SITE_PREFIX
from roles.aws.clients import CONNECTIONS
from roles.bucket.bucket import Bucket, ConflictError
from roles.bucket.site.contents import UNKNOWN, Contents, SiteNote
from roles.bucket.site.objects import DEEPEST, Digests, read_objects
from roles.bucket.site.service import PageService

AT_ONCE = CONNECTIONS
"""Objects on their way at the same time."""

TOLD_EACH = 100
"""How many objects are written between two words about how far it is."""

Progress = Callable[[str, int, int], None]
"""Called with the step's name, what is done and what there is in all."""


@dataclass
class Tally:
    """How many objects were written and removed, and how many bytes those that were written have."""

    written: int = 0
    removed: int = 0
    written_bytes: int = 0


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
        deepest: How deep the regions are whose pages and files are there.
    """

    bucket: Bucket
    snapshot: Snapshot
    look: str
    service: PageService
    progress: Progress
    seen: str | None
    deepest: int = DEEPEST
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
        self._bring(read_objects(self.snapshot, self.look, self.deepest))
        self._contents.write_note(note.model_copy(update={"snapshot": self.snapshot.name, "look": self.look}), etag)
        return self.tally

    @property
    def _contents(self) -> Contents:
        return Contents(self.bucket)

    def _bring(self, stages: Collection[Digests]) -> None:
        had, seen = self._contents.listed()
        wanted = {path: digest for stage in stages for path, digest in stage.items()}
        changed = {path for path, digest in wanted.items() if had.get(path) != digest}
        gone = [path for path in had if path not in wanted]
        if not changed and not gone:
            return
        self._check_whose_turn()
        unknown = dict.fromkeys([*changed, *gone], UNKNOWN)
        seen = self._contents.write_list({**had, **unknown}, seen)
        for stage in stages:
            self._write([path for path in stage if path in changed], len(changed))
        self.bucket.remove([_key(path) for path in gone])
        self.tally.removed += len(gone)
        try:
            self._contents.write_list(wanted, seen)
        except ConflictError:
            self._contents.forget(unknown)
            raise

    def _check_whose_turn(self) -> None:
        """Refuse where another run has begun: the list that was read may be its."""
        note, _ = self._contents.note()
        if note is None or note.run != self._run:
            raise ConflictError("somebody else brings site/ up to date now")

    def _write(self, paths: Collection[str], total: int) -> None:
        executor = ThreadPoolExecutor(AT_ONCE)
        try:
            for size in executor.map(self._write_one, paths):
                self.tally.written += 1
                self.tally.written_bytes += size
                if self.tally.written % TOLD_EACH == 0 or self.tally.written == total:
                    self.progress("filling site/", self.tally.written, total)
        finally:
            # After an error, or an interrupt, what has not begun does not begin.
            executor.shutdown(cancel_futures=True)

    def _write_one(self, path: str) -> int:
        answer = self.service.answer(path)
        self.bucket.overwrite(
            _key(path), answer.body, content_type=answer.content_type, cache_control=answer.cache_control
        )
        return len(answer.body)


def _key(path: str) -> str:
    return f"{SITE_PREFIX}{path}"
