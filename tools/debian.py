"""Programs of Debian without installing them: their packages, unpacked into the user's cache folder.

For what tests and benchmarks run beside the system's own daemons: nothing is started, nothing needs root, and what the
machine has installed stays as it is. Standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE_DIRECTORY, make_directory
from tools.cache import user_cache

TIMEOUT_SECONDS = 180


@dataclass(frozen=True)
class Unpacked:
    """Unpacked packages.

    Args:
        root: A tree as on an installed system.
    """

    root: Path

    def environment(self) -> Mapping[str, str]:
        """The environment in which its programs find its libraries."""
        libraries = {str(file.parent) for file in self.root.rglob("lib*.so*")}
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}


def has_packages() -> bool:
    """Whether this is a machine that gets its packages from Debian."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg") is not None


def unpacked(*packages: str) -> Unpacked:
    """Packages without what they depend on, fetched and unpacked once for all checkouts.

    Args:
        packages: Their names; what they need that a Debian with Python lacks is to be named too.

    Raises:
        OperatorError: No mirror could be reached, or the disk is full; nothing half made is taken for it.
    """
    cache = user_cache()
    make_directory(cache, PRIVATE_DIRECTORY)
    target = cache / f"debian-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:10]}"
    with (cache / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=cache) as half_made:
                _fetch(Path(half_made), packages)
                (Path(half_made) / "root").rename(target)
    return Unpacked(target)


def _fetch(directory: Path, packages: Sequence[str]) -> None:
    """Download and unpack into `root`; with package lists of our own if the machine's are missing or too old."""
    apt = ["apt-get", "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User="]
    own = directory / "lists"
    own.mkdir()
    with_own = [*apt, "-o", f"Dir::State::Lists={own}", "-o", f"Dir::Cache={directory}"]
    if not _run([*apt, "download", "--quiet", *packages], directory):
        done = _run([*with_own, "update", "--quiet"], directory)
        if not done or not _run([*with_own, "download", "--quiet", *packages], directory):
            raise OperatorError(
                f"Debian's packages {', '.join(packages)} can't be fetched; nothing was kept",
                next_command="apt-get update",
            )
    for package in sorted(directory.glob("*.deb")):
        if not _run(["dpkg", "-x", str(package), str(directory / "root")], directory):
            message = f"{package.name} can't be unpacked; nothing was kept"
            raise OperatorError(message, next_command=f"df -h {directory.parent}")


def _run(argv: Sequence[str], directory: Path) -> bool:
    try:
        done = subprocess.run(argv, cwd=directory, capture_output=True, check=False, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
