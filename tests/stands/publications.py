"""Publications of a count, built and signed in a checkout of the tests' own."""

from pathlib import Path

from app.loader.announcement import NOTHING, Announcement
from roles.artefacts.snapshot import Sent, StoredSnapshot, ensure_snapshot
from roles.stack.checkout import Checkout
from tests.deploy.test_ticks import counted
from tests.stands.lab import PROJECT
from tests.stands.results import source_of

CORRECTION = "Uji coba."


def publications(directory: Path, count: int) -> list[StoredSnapshot]:
    """So many: the first made from nothing, each other one of the one before; the last is a correction."""
    checkout = Checkout(directory / "checkout", "")
    checkout.project.mkdir()
    for name in ("app", ".secrets"):
        (checkout.project / name).symlink_to(PROJECT / name)
    found: list[StoredSnapshot] = []
    for number in range(count):
        source = source_of(directory / str(number), stations=counted(number + 1))
        announcement = Announcement(CORRECTION) if number == count - 1 else NOTHING
        shown = found[-1].facts if found else None
        found.append(ensure_snapshot(checkout, source, None, shown=shown, announcement=announcement))
    return found


def parcels(published: list[StoredSnapshot]) -> list[Sent]:
    """What is sent of each to who has the ones before."""
    return [published[0].whole, *(each.changes for each in published[1:])]
