"""Releases to roll out: this checkout's service and templates, changed in a copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

from roles.artefacts.release import Release, build_release
from roles.stack.checkout import Checkout
from tests.stands.lab import PROJECT

Change = Callable[[Path], None]


def release_of(directory: Path, version: str, change: Change) -> Release:
    """Build a release of a changed copy of this checkout.

    Args:
        directory: Where the copy is made.
        version: The release's version.
        change: Changes the copy, given its directory.
    """
    project = directory / version
    for name in ("app", "templates"):
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".secrets", ".cache", "dist"):
        (PROJECT / name).mkdir(exist_ok=True)
        (project / name).symlink_to(PROJECT / name)
    change(project)
    return build_release(Checkout(project, ""), version)


def replaced(path: str, old: str, new: str) -> Change:
    """A change of one file; the old text must be there."""

    def change(project: Path) -> None:
        file = project / path
        text = file.read_text(encoding="utf-8")
        assert old in text, path
        file.write_text(text.replace(old, new), encoding="utf-8")

    return change


def appended(path: str, text: str) -> Change:
    """A change that adds to a file's end."""

    def change(project: Path) -> None:
        file = project / path
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

    return change


def other_configuration(project: Path) -> None:
    """Another configuration of every daemon, and a file that the one before doesn't have."""
    for path in ("app/etc/nginx/nginx.conf", "edge/etc/nginx/nginx.conf"):
        replaced(f"templates/{path}.j2", "keepalive_requests 100000;", "keepalive_requests 90000;")(project)
    for path in ("lb/etc/haproxy/haproxy.cfg", "edge/etc/haproxy/haproxy.cfg"):
        replaced(f"templates/{path}.j2", "stats timeout 30s", "stats timeout 31s")(project)
    appended("templates/app/files.toml", '\n[[file]]\npath = "/etc/tegak/new-in-this-release"\n')(project)
    (project / "templates/app/etc/tegak/new-in-this-release.j2").write_text("{{ host.name }}\n", encoding="utf-8")


DIES = """
import asyncio
import os
import signal

signal.signal(signal.SIGALRM, lambda *_: asyncio.get_running_loop().call_soon(os._exit, 1))
signal.alarm(5)
"""


def dies_after_five_seconds(project: Path) -> None:
    """A service that becomes ready, and ends by itself between two answers: none that is cut can be asked for again."""
    appended("app/service.py", DIES)(project)


def does_not_start(project: Path) -> None:
    """A service that fails as it is imported."""
    (project / "app/service.py").write_text("raise RuntimeError('this release is broken')\n", encoding="utf-8")


def never_ready(project: Path) -> None:
    """A service that answers, and says that it isn't ready."""
    replaced("app/service.py", '{"status": "ready"', '{"status": "not yet"')(project)
    replaced("app/service.py", '"snapshot": snapshot.name}, 200)', '"snapshot": snapshot.name}, 503)')(project)


def slow(project: Path) -> None:
    """A service that takes its time over every page and version, and is healthy."""
    appended(
        "app/service.py",
        "\nimport time\n\n_read = Service._snapshot\n\n\ndef _slowly(self: Service) -> Snapshot:\n"
        "    time.sleep(0.25)\n    return _read(self)\n\n\nService._snapshot = _slowly\n",
    )(project)
