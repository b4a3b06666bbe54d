"""The publication bucket, brought to what the log says.

Archives first, then `start.json` of each group, then site/: a new host never reads of an archive that isn't there.
"""

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.snapshot import Snapshot
from infra.bridge.bucket_layout import start_key
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation
from roles.artefacts.files import Configuration
from roles.bucket.archives import Archives
from roles.bucket.bucket import Bucket, ConflictError, KeptObject
from roles.bucket.site.contents import JSON, Contents
from roles.bucket.site.filling import Filling
from roles.bucket.site.service import look_of, running, unpack
from roles.bucket.start import Published, StartPublication, read_start, start_document
from roles.hosts.audit import Entry, Log
from roles.hosts.state import observe
from roles.rollout.wanted import Wanted
from roles.stack.stack import Stack
from roles.terminal import build_progress, say

TRIES = 3
"""Somebody else may write a line into the log while what it says is being written into the bucket."""

CARRIED_ENTRIES = 1000
"""So many of the log's newest entries go to new hosts, beside all that is decisive; without what they say of hosts."""


@dataclass(frozen=True)
class Publishing:
    """A stack's bucket.

    Args:
        stack: The stack.
        bucket: Its bucket.
    """

    stack: Stack
    bucket: Bucket

    def start(self) -> None:
        """Bring the archives, and what new hosts do, to what the log says.

        Raises:
            OperatorError: S3 refuses or doesn't answer, or an archive is nowhere to be found.
        """
        for _ in range(TRIES):
            # Read before the log is: who writes it after that knows more than we do.
            seen = {group.name: self.bucket.read(start_key(group.name)) for group in self._groups}
            observed = observe(self.stack.fleet, newest=CARRIED_ENTRIES)
            published = self._publish(observed.log, observed.history)
            if published is None:
                say("bucket: no release is deployed yet, that new hosts could start with")
                return
            configuration = Wanted(self.stack).configuration_in_force(observed)
            try:
                written = [
                    group.name
                    for group in self._groups
                    if self._start(group, configuration, published, seen[group.name])
                ]
            except ConflictError:
                continue
            if written:
                say(f"bucket: start.json of {', '.join(written)} is written: {published.release.artefact.name}")
            return
        raise OperatorError("others went on changing what new hosts start with", next_command="fab history")

    def site(self) -> None:
        """Bring site/ to what the log says.

        Raises:
            ConflictError: Somebody else does so at the same time.
            OperatorError: S3 refuses or doesn't answer, or an archive is nowhere to be found.
        """
        note, seen = Contents(self.bucket).note()
        log = observe(self.stack.fleet).log
        if log.release is None or log.snapshot is None:
            say("bucket: no results are published yet, that site/ could show")
            return
        archives, cache = self._archives, self.stack.checkout.stack_cache
        release, snapshot = archives.release(log.release), archives.snapshot(log.snapshot)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="site-", dir=cache) as directory:
            unpacked = unpack(release.path, Path(directory) / "release")
            look = look_of(unpacked)
            if note and (note.snapshot, note.look) == (log.snapshot, look):
                say(f"bucket: site/ has {log.snapshot} already")
                return
            results = unpack(snapshot.path, Path(directory) / "snapshot")
            with running(unpacked, results) as service, build_progress() as progress:
                tally = Filling(self.bucket, Snapshot(results), look, service, progress, seen).fill()
        say(f"bucket: site/ has {log.snapshot}: {tally.written} objects written, {tally.removed} removed")

    def show(self, release: str | None) -> None:
        """Say what would be written.

        Args:
            release: The release that hosts would have.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        bucket, log = self.bucket.publication, observe(self.stack.fleet).log
        note, _ = Contents(self.bucket).note()
        names = ", ".join(each.name for each in self._groups)
        say(f"then, in the bucket {bucket.bucket} of {bucket.region}:")
        for key in self._lacking(release, log.snapshot):
            say(f"  write {key}")
        say(
            f"  write start.json of {names or 'no location'}: {release or 'no release'}, {log.snapshot or 'no results'}"
        )
        has = note.snapshot or f"half of {note.filling}" if note else "nothing"
        say(f"  bring site/, which has {has}, to {log.snapshot or 'nothing'}, as {release or 'no release'} shows it")

    @property
    def _groups(self) -> Sequence[GroupLocation]:
        return self.stack.fleet.inventory.groups

    @cached_property
    def _archives(self) -> Archives:
        return Archives(self.bucket, self.stack.checkout, self.stack.signers)

    def _lacking(self, release: str | None, snapshot: str | None) -> list[str]:
        archives = self._archives
        wanted = [archives.release(release)] if release else []
        keys = [archives.lacking(each) for each in (*wanted, *([archives.snapshot(snapshot)] if snapshot else []))]
        return [key for key in keys if key is not None]

    def _publish(self, log: Log, history: Sequence[Entry]) -> StartPublication | None:
        """The archives, once they are in the bucket; None before there is a release."""
        if log.release is None:
            return None
        archives = self._archives
        snapshot = archives.publish(archives.snapshot(log.snapshot)) if log.snapshot else None
        release = archives.publish(archives.release(log.release))
        kept = self.stack.fleet.inventory.rollout.keep_releases
        earlier = [each for name in log.releases[-kept:-1] if (each := self._earlier(name))]
        return StartPublication(release, snapshot, earlier, log=b"".join(entry.line() for entry in history))

    def _earlier(self, name: str) -> Published | None:
        """A release to go back to; one that is nowhere to be found keeps nobody from publishing."""
        try:
            release = self._archives.release(name)
        except OperatorError:
            return None
        return self._archives.publish(release)

    def _start(
        self, group: GroupLocation, configuration: Configuration, published: StartPublication, had: KeptObject | None
    ) -> bool:
        """Write what new hosts of a location do; whether it was another thing before."""
        key = self.stack.checkout.release_key

        def document(at: dt.datetime) -> bytes:
            return start_document(configuration, group, published, at=at, key=key)

        if had is not None and document(_written_at(had)) == had.body:
            return False
        body, etag = document(dt.datetime.now(dt.UTC)), had.etag if had else None
        self.bucket.write(start_key(group.name), body, content_type=JSON, seen=etag)
        return True


def _written_at(kept: KeptObject) -> dt.datetime:
    try:
        return read_start(kept.body).written_at
    except OperatorError:
        return dt.datetime.now(dt.UTC)  # another version's: it differs anyway
