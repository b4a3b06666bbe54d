"""Runs on a host, with its own Python and nothing else: prints as JSON what the host has. See `roles.state`."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

TIMEOUT_SECONDS = 3


def link_target(link: Path) -> str | None:
    """The name of the directory that a link points at; None if there is none."""
    return link.resolve().name if link.is_dir() else None


def complete(directory: Path) -> list[str]:
    """The names of the complete directories in a directory."""
    return sorted(path.parent.name for path in directory.glob("*/.complete") if not path.parent.is_symlink())


def history(file: Path) -> list[object]:
    """The lines of the release history that are whole."""
    entries: list[object] = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def answer(path: str) -> str | None:
    """The body of the host's own answer; None if there is none, or it is an error."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1{path}", timeout=TIMEOUT_SECONDS) as response:
            return response.read().decode()
    except OSError:  # an HTTP error is one too
        return None


def active(unit: str) -> bool:
    """Whether a unit runs."""
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def main() -> None:
    """Print what the arguments' paths and this host's services say."""
    current, releases, snapshot, snapshots, history_file, *units = sys.argv[1:]
    version = answer("/version")
    document = {
        "release": link_target(Path(current)),
        "releases": complete(Path(releases)),
        "snapshot": link_target(Path(snapshot)),
        "snapshots": complete(Path(snapshots)),
        "history": history(Path(history_file)),
        "ready": answer("/healthz") is not None,
        "running_release": json.loads(version)["release"] if version else None,
        "units": {unit: active(unit) for unit in units},
    }
    sys.stdout.write(json.dumps(document))


main()
