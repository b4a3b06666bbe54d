"""Asking a host what it has."""

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

from roles.on_host import program
from roles.on_host.archive_index import INDEX
from roles.scripts import layout
from roles.scripts.quoting import Script, command, script

PATHS = {
    "own": layout.OWN,
    "current_release": layout.CURRENT_RELEASE,
    "releases": layout.RELEASES,
    "current_snapshot": layout.CURRENT_SNAPSHOT,
    "snapshots": layout.SNAPSHOTS,
    "shown": layout.SHOWN,
    "archive": layout.PUBLIC_ARCHIVE / INDEX,
    "pending": layout.PENDING,
    "managed": layout.MANAGED,
    "rollouts": layout.ROLLOUTS,
    "log": layout.LOG,
    "decisive": layout.DECISIVE,
    "lock": layout.LOCK,
    "altered": layout.ALTERED,
}


def probe_host(units: Iterable[str], certificate: PurePosixPath) -> Script:
    """Print as JSON what the host has; standard input is `probe_request`.

    Args:
        units: Whether these daemons run.
        certificate: How long this one lasts, if it is there.
    """
    show = command("systemctl", "show", "--property", "Id,ActiveState,NRestarts", *units)
    expiry = command("openssl", "x509", "-noout", "-enddate", "-in", certificate)
    there = command("test", "-e", certificate)
    probe = command("python3", "-IS", "-c", program("log", "lock_file", "probe"))
    return script(f'{probe} "$({show})" "$({there} && {expiry})"', timeout_seconds=20)


def probe_request(*, answers: bool, newest: int = 0, details: bool = False) -> bytes:
    """What the probe is to look at.

    Args:
        answers: Whether to ask the host's own service.
        newest: How many of the log's newest lines are wanted, beside what is decisive.
        details: Whether with what they say of each host.
    """
    paths = {name: str(path) for name, path in PATHS.items()}
    asked = {"answers": answers, "service": layout.SERVICE, "log": {"newest": newest, "details": details}}
    return json.dumps({"paths": paths, **asked}).encode()
