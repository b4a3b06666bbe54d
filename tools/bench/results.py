"""How a host answers. Run by `make bench-results [SOURCE=…]`, for the sample or a nation.

A snapshot of the source and a release of this checkout are built, put in place as on a host, and asked in a network and
with mounts of this process's own: nothing is left behind, and nothing of the machine's is touched.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from app.loader.build import build_snapshot
from app.snapshot import COMPLETE
from roles.artefacts.release import build_release
from roles.stack.checkout import SAMPLE, Checkout
from tests.stands.nginx import programs
from tests.stands.packs import unpack_snapshot
from tools.bench import serving

PROJECT = Path(__file__).resolve().parents[2]
ALONE = "--alone"
"""The last argument of the process that is in a network of its own."""


def main(source: Path) -> None:
    """Build, and measure."""
    with tempfile.TemporaryDirectory(prefix="tegak-bench-", dir=PROJECT / ".cache") as directory:
        work = Path(directory)
        release = build_release(Checkout(PROJECT, "ukur"))
        running = work / "releases" / release.name
        with tarfile.open(release.path) as packed:
            packed.extractall(running, filter="data")
        (running / COMPLETE).touch()
        snapshot = unpack_snapshot(build_snapshot(source, work / "built"), work / "snapshots")
        serving.measure(running, snapshot, work)


def alone(arguments: list[str]) -> int:
    """Run this again in a network and with mounts of its own, which are gone when it ends."""
    for made in (lambda: build_release(Checkout(PROJECT, "ukur")), programs, serving.parser, serving.wrk):
        made()  # there is no network to fetch anything from once it is alone
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    inside = 'ip link set lo up && exec "$@"'
    argv = ["unshare", "--net", "--mount", *as_root, "sh", "-c", inside, "sh"]
    argv += [sys.executable, "-m", "tools.bench.results", *arguments, ALONE]
    return subprocess.run(argv, check=False, cwd=PROJECT).returncode


if __name__ == "__main__":
    if sys.argv[-1] != ALONE:
        sys.exit(alone(sys.argv[1:]))
    (PROJECT / ".cache").mkdir(exist_ok=True)
    if shutil.which("unshare") is None:
        sys.exit("error: unshare is missing\nnext: apt-get install util-linux")
    main(Path(sys.argv[1] if len(sys.argv) > 2 else PROJECT / SAMPLE))  # noqa: PLR2004  # the source, and the mark
