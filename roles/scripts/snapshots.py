"""Receiving snapshots, whole or as changes, and switching to them."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from infra.bridge.signers import SIGNER
from roles.on_host import program
from roles.scripts.artefacts import LONG_TIMEOUT_SECONDS, Artefact, point, remove_all_but, switch_link
from roles.scripts.layout import ALLOWED_SIGNERS, CURRENT_SNAPSHOT, INCOMING, ROOT, SHOWN, SNAPSHOTS
from roles.scripts.quoting import Script, command, script

SNAPSHOT_NAMESPACE = "tegak-snapshot"
"""What the signature of a snapshot's manifest is for: it never passes for a release's."""

UNPACKED_PER_PACKED = 5
"""The nation's 63 MB are 228 MB unpacked, and the archive lies beside them meanwhile."""


@dataclass(frozen=True)
class Parcel:
    """What travels of a snapshot.

    Args:
        name: The snapshot's name: its directory on the host.
        size_bytes: Of what travels.
        sha256: Of what travels.
        needs_bytes: How much room a host needs for it, with what it makes of it.
        made_of: The snapshot that a host must have for it; None if it is whole.
    """

    name: str
    size_bytes: int
    sha256: str
    needs_bytes: int
    made_of: str | None = None


def whole(artefact: Artefact) -> Parcel:
    """The parcel that an archive with all of a snapshot is."""
    needs = artefact.size_bytes * UNPACKED_PER_PACKED
    return Parcel(artefact.name, artefact.size_bytes, artefact.sha256, needs)


def receive_snapshot(parcel: Parcel, *, goes_on: bool = True) -> Script:
    """Take a snapshot from standard input, check it, and put it beside the others.

    Args:
        parcel: What comes.
        goes_on: Whether what comes follows what came of it before (see `arrived`).
    """
    asked = {
        "name": parcel.name,
        "snapshots": str(SNAPSHOTS),
        "signers": str(ALLOWED_SIGNERS),
        "signer": SIGNER,
        "namespace": SNAPSHOT_NAMESPACE,
        "size_bytes": parcel.size_bytes,
        "sha256": parcel.sha256,
        "needs_bytes": parcel.needs_bytes,
        # Changes are small: they are sent anew.
        "part": None if parcel.made_of else str(part_of(parcel)),
        "goes_on": goes_on,
    }
    asking = command("python3", "-IS", "-c", program("receive_snapshot"), json.dumps(asked))
    return script(asking, timeout_seconds=LONG_TIMEOUT_SECONDS)


def arrived(parcel: Parcel) -> Script:
    """Print how many bytes of a whole snapshot have arrived so far, before the connection broke."""
    return script(f"{command('stat', '-c', '%s', part_of(parcel))} 2> /dev/null || echo 0")


def read_manifest(snapshot: str) -> Script:
    """Print in base64 a snapshot's manifest and, a line later, its signature."""
    files = (SNAPSHOTS / snapshot / name for name in ("snapshot.json", "snapshot.json.sig"))
    return script(*(f"{command('base64', '-w', 0, file)}; echo" for file in files))


def activate_snapshot(snapshot: str) -> Script:
    """Point `current` at a snapshot: the service and nginx see it with their next request."""
    return script(*point(CURRENT_SNAPSHOT, SNAPSHOTS / snapshot))


def deactivate_snapshot() -> Script:
    """Undo a host's first snapshot."""
    return script(command("rm", "-f", CURRENT_SNAPSHOT))


def show_snapshot(snapshot: str | None) -> Script:
    """Let an edge ask for a snapshot, whichever host it asks; or, for None, take what hosts show.

    Its cache keeps answers under the snapshot's name: whatever it kept before is not found any more.
    """
    if snapshot is None:
        return script(command("rm", "-f", SHOWN))
    return script(command("mkdir", "-p", ROOT), *switch_link(SHOWN, snapshot))


def keep_snapshots(names: tuple[str, ...]) -> Script:
    """Remove the snapshots beside those to keep, and what is left of those that did not arrive."""
    return script(
        remove_all_but(names, SNAPSHOTS),
        command("find", INCOMING, "-name", f"*{PART}", "-delete"),
        timeout_seconds=LONG_TIMEOUT_SECONDS,
    )


PART = ".part"


def part_of(parcel: Parcel) -> PurePosixPath:
    """Where what has arrived of a whole snapshot is kept until all of it has."""
    return INCOMING / f"{parcel.name}-{parcel.sha256[:16]}{PART}"
