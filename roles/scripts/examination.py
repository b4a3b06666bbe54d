"""Asking a host for what nobody may have changed there."""

import json

from infra.bridge.signers import SIGNER
from roles.on_host import program
from roles.scripts import layout
from roles.scripts.quoting import Script, command, script

TIMEOUT_SECONDS = 260
"""Enough to read all of the releases and results on the slowest disk."""


def examine() -> Script:
    """Print as JSON what nobody may have changed; standard input is `examination_request`."""
    # The host serves meanwhile.
    return script(
        command("nice", "python3", "-IS", "-c", program("signed_tree", "examine")),
        timeout_seconds=TIMEOUT_SECONDS,
    )


def examination_request(signers: str, *, root: str = "") -> bytes:
    """What to look at.

    Args:
        signers: Who may sign; what the host itself believes about that could be altered.
        root: Where the host's tree begins.
    """
    common = {"signers": signers, "signer": SIGNER}
    releases = {
        "what": "release",
        "folder": str(layout.RELEASES),
        "current": None,
        "namespace": "tegak-release",
        "manifest": "release.json",
        "signed": "archive",
    }
    snapshots = {
        "what": "snapshot",
        "folder": str(layout.SNAPSHOTS),
        "current": str(layout.CURRENT_SNAPSHOT),
        "namespace": "tegak-snapshot",
        "manifest": "snapshot.json",
        "signed": "manifest",
    }
    return json.dumps({"root": root, "trees": [{**common, **releases}, {**common, **snapshots}]}).encode()


def read_clock() -> Script:
    """Print the host's clock, in seconds."""
    return script(command("date", "+%s.%N"), timeout_seconds=10)
