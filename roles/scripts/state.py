"""Asking a host what it has."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePosixPath

from roles.scripts import layout
from roles.scripts.quoting import Script, command, script

PROBE = Path(__file__).with_name("probe.py")
PATHS = {
    "own": layout.OWN,
    "current_release": layout.CURRENT_RELEASE,
    "releases": layout.RELEASES,
    "current_snapshot": layout.CURRENT_SNAPSHOT,
    "snapshots": layout.SNAPSHOTS,
    "pending": layout.PENDING,
    "managed": layout.MANAGED,
    "rollouts": layout.ROLLOUTS,
    "audit": layout.AUDIT,
    "lock": layout.LOCK,
    "edge_certificate": layout.EDGE_CERTIFICATE,
    "origin_certificate": layout.ORIGIN_CERTIFICATE,
}


@cache
def _program() -> str:
    return PROBE.read_text(encoding="utf-8")


def probe_host() -> Script:
    """Print as JSON what the host has; standard input is `probe_request`."""
    return script(command("python3", "-IS", "-c", _program()), timeout_seconds=20)


def probe_request(units: Iterable[str], files: Iterable[PurePosixPath], *, answers: bool) -> bytes:
    """What the probe is to look at.

    Args:
        units: Whether these daemons run.
        files: The fingerprints of these.
        answers: Whether to ask the host's own service.
    """
    paths = {name: str(path) for name, path in PATHS.items()}
    asked = {"paths": paths, "units": list(units), "files": [str(path) for path in files]}
    return json.dumps({**asked, "answers": answers, "service": layout.SERVICE}).encode()
