"""Asking a host what it has."""

from functools import cache
from pathlib import Path

from roles.scripts.layout import CURRENT_RELEASE, CURRENT_SNAPSHOT, HISTORY, RELEASES, SNAPSHOTS
from roles.scripts.quoting import Script, command, script

PROBE = Path(__file__).with_name("probe.py")


@cache
def _program() -> str:
    return PROBE.read_text(encoding="utf-8")


def probe_host(units: tuple[str, ...]) -> Script:
    """Print as JSON what the host has and which of the units run."""
    paths = (CURRENT_RELEASE, RELEASES, CURRENT_SNAPSHOT, SNAPSHOTS, HISTORY)
    return script(command("python3", "-c", _program(), *paths, *units), timeout_seconds=20)
