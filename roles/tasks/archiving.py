"""The public archive: every publication, signed, where anybody can check it; brought to what is published.

It stands at the edge: where the edge is a host, on that host; where it is a CDN, in the bucket. What it lacks keeps
nothing from the public's pages: it comes after them, and the same command again, or `fab archive`, repairs it alone.
"""

import json
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.artefacts.snapshot import Sent, StoredSnapshot, find_snapshot
from roles.bucket.bucket import Bucket
from roles.bucket.public_archive import ArchiveInBucket
from roles.hosts.state import observe
from roles.rollout.request import Request
from roles.scripts.public_archive import add_to_archive, list_archive
from roles.stack.stack import Stack
from roles.tasks.publishing import BUCKET_IS_BEHIND, with_bucket
from roles.tasks.results import Results
from roles.tasks.results import publish as publish_results
from roles.terminal import say


class Archive(Protocol):
    """A place where the archive is."""

    @property
    def name(self) -> str:
        """What it is called in an error's sentence."""
        ...

    def names(self) -> AbstractSet[str]:
        """The snapshots that are in it."""
        ...

    def add(self, snapshot: StoredSnapshot, sent: Sent) -> None:
        """Add a snapshot, whose predecessor is there if what is sent is changes."""
        ...


@dataclass(frozen=True)
class ArchiveOnEdge:
    """The archive on an edge that is a host.

    Args:
        stack: The stack.
        edge: The host.
    """

    stack: Stack
    edge: Host

    @property
    def name(self) -> str:
        """Described at `Archive`."""
        return self.edge.name

    def names(self) -> AbstractSet[str]:
        """Described at `Archive`."""
        return set(json.loads(self.stack.fleet[self.edge].run("listing the archive", list_archive())))

    def add(self, snapshot: StoredSnapshot, sent: Sent) -> None:
        """Described at `Archive`."""
        keep_days = self.stack.fleet.inventory.archive.keep_days
        with sent.path.open("rb") as file:
            step = f"archiving {snapshot.name}"
            self.stack.fleet[self.edge].run(step, add_to_archive(sent.parcel, keep_days), file)


def publish(stack: Stack, results: Results, request: Request) -> None:
    """Publish results: on the hosts, then in the bucket, then in the archive.

    Raises:
        OperatorError: They were not published; or they were, and the bucket or the archive is behind.
    """
    published: list[StoredSnapshot] = []

    def roll_out() -> None:
        published.append(publish_results(stack, results, request))

    with_bucket(stack, request, roll_out)
    bring_archive(stack, published[0])


def bring_archive(stack: Stack, snapshot: StoredSnapshot | None = None) -> None:
    """Bring the archive to what is published.

    Args:
        stack: The stack.
        snapshot: What is published; if None, what the log says.

    Raises:
        OperatorError: A place of it could not be brought there.
    """
    if snapshot is None:
        name = observe(stack.fleet).log.snapshot
        if name is None:
            say("archive: no results are published yet")
            return
        snapshot = find_snapshot(stack.checkout, name)
    for archive in _archives(stack):
        try:
            _bring(archive, snapshot)
        except OperatorError as error:
            raise OperatorError(
                f"the results are published, but the archive on {archive.name} lacks them: {error.message}",
                next_command=f"the same command again, or fab archive --stack {stack.checkout.stack}",
                exit_code=BUCKET_IS_BEHIND,
            ) from error


def lacking(snapshot: StoredSnapshot, there: AbstractSet[str]) -> Sequence[tuple[StoredSnapshot, Sent]]:
    """What an archive needs to have a snapshot, in this order.

    Changes as far back as it takes to come to one that is there, with those before it that were missed; all of a
    snapshot where it was made from nothing, or what it was made of is no more to be had.

    Args:
        snapshot: The snapshot, built here.
        there: What is in the archive.
    """
    found: list[tuple[StoredSnapshot, Sent]] = []
    while snapshot.name not in there:
        before = find_snapshot(snapshot.checkout, snapshot.made_of) if snapshot.made_of else None
        if before is None or not (before.name in there or before.is_built):
            found.append((snapshot, snapshot.whole))
            break
        found.append((snapshot, snapshot.changes))
        snapshot = before
    return found[::-1]


def _bring(archive: Archive, snapshot: StoredSnapshot) -> None:
    there = archive.names()
    if snapshot.name in there:
        return
    if not snapshot.is_built:
        raise OperatorError(f"{snapshot.name} was built in another checkout, which is the one that archives it")
    for each, sent in lacking(snapshot, there):
        archive.add(each, sent)
        say(f"archive: {each.name} is on {archive.name}, {sent.parcel.size_bytes / 10**6:.1f} MB")


def _archives(stack: Stack) -> list[Archive]:
    inventory = stack.fleet.inventory
    edges: list[Archive] = [ArchiveOnEdge(stack, edge) for edge in inventory.with_role("edge")]
    if inventory.publication is None:
        return edges
    return [*edges, ArchiveInBucket(Bucket(inventory.publication), inventory.archive.keep_days, stack.signers)]
