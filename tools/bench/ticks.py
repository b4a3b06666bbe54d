"""Publishing a nation's results on lab hosts: the first time, at a tick of the count, and where nothing has changed.

Run by `make bench-ticks SOURCE=<directory>`. A tick has as many new forms as a quarter of an hour of 2019 had, in the
order in which they came. Measured from typing the command to its end, with the build; against copying all of the
snapshot to every host by OpenSSH, side by side, and unpacking it with tar. And, as it says itself, of the service that
publishes on the clock, where nothing has changed.
"""

import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from roles.artefacts.snapshot import StoredSnapshot, find_snapshot
from roles.scripts.layout import SNAPSHOTS
from roles.tasks.verify import write_access
from tests.stands.lab import SMALL, LabStack, lab_stack
from tools.bench.arrival import Arrival
from tools.bench.site import settings
from tools.bench.table import heading, row, seconds

TICK_FORMS, TICKS, RUNS = 10_775, 4, 3
SIZES = ((2, 2), (6, 6))
"""App hosts of each location: 4 and 12 in all."""


def measure(stack: LabStack, sources: list[Path]) -> None:
    """Measure a stack that shows other results."""
    app_hosts = [host.name for host in stack.inventory().with_role("app")]
    write_access(stack.checkout, stack.inventory())
    heading(f"Publishing on {len(app_hosts)} app hosts", "what", "s", "ratio", "MB a host")
    first = seconds(lambda: stack.fab("publish", "--source", str(sources[0]), "--correction", "Pengukuran."))
    whole = _current(stack)
    ticks: list[float] = []
    sizes: list[int] = []
    for source in sources[1:]:
        ticks.append(seconds(lambda source=source: stack.fab("publish", "--source", str(source))))
        sizes.append(_current(stack).changes.parcel.size_bytes)
    again = [seconds(lambda: stack.fab("publish", "--source", str(sources[-1]))) for _ in range(RUNS)]
    service = _of_service(stack, sources[-1])
    # Last: what it writes keeps the disk busy for a while.
    copying = statistics.median(seconds(lambda: _copy(stack, app_hosts, whole)) for _ in range(RUNS))
    for what, took, size in (
        ("copy and unpack by ssh", [copying], whole.whole.parcel.size_bytes),
        ("the first time", [first], whole.whole.parcel.size_bytes),
        (f"a tick ({min(ticks):.1f} to {max(ticks):.1f})", ticks, statistics.median(sizes)),
        ("nothing has changed", again, 0),
        ("the same, by the service", [service], 0),
    ):
        middle = statistics.median(took)
        row(what, f"{middle:.1f}", f"{middle / copying:.1f}", f"{size / 10**6:.2f}")
    print(f"\n    on a host: {_disk(stack, app_hosts[0])}")


def _of_service(stack: LabStack, source: Path) -> float:
    """How long a tick takes that changes nothing, after the first one."""
    argv = ["fab", "publish", "--stack", stack.name, "--source", str(source), "--every", "10s"]
    took: list[float] = []
    with stack.start(*argv) as service:
        for line in service.stdout or ():
            took += [float(found[1]) for found in [re.match(r"tick of ([0-9.]+) s", line)] if found]
            if len(took) > RUNS:
                service.send_signal(signal.SIGINT)
                break
    return statistics.median(took[1:])


def _current(stack: LabStack) -> StoredSnapshot:
    name = stack.fab("history").splitlines()[-1]
    found = next(word for word in name.split() if word[:2] == "20" and "Z-" in word)
    return find_snapshot(stack.checkout, found)


def _copy(stack: LabStack, hosts: list[str], snapshot: StoredSnapshot) -> None:
    there = "/srv/tegak/measured"
    unpack = f"sudo sh -c 'rm -rf {there}; mkdir -p {there}; tar -xzf - -C {there}; rm -rf {there}'"
    argv = ["ssh", "-F", str(stack.checkout.stack_cache / "ssh_config"), "-o", "ControlPath=none"]
    under_way: list[subprocess.Popen[bytes]] = []
    for host in hosts:
        with snapshot.path.open("rb") as archive:
            under_way.append(subprocess.Popen([*argv, host, unpack], stdin=archive))
    if any(process.wait() for process in under_way):
        raise RuntimeError("a host did not take it")


def _disk(stack: LabStack, host: str) -> str:
    """What a host keeps: the current snapshot, and what the one before takes beside it."""
    script = (
        f"cd {SNAPSHOTS} && du -sm --apparent-size $(readlink current) && du -sm --apparent-size . && find . | wc -l"
    )
    argv = ["ssh", "-F", str(stack.checkout.stack_cache / "ssh_config"), "-o", "ControlPath=none", host, script]
    one, both, files = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    one, both = one.split()[0], both.split()[0]
    return f"the current snapshot {one} MB, with the one before it {both} MB; {files} files and folders in all"


def main(source: Path) -> None:
    """Measure each size of a stack."""
    with tempfile.TemporaryDirectory() as directory:
        count = Arrival(source)
        middle = count.forms // 2
        moments = [middle + TICK_FORMS * number for number in range(TICKS + 1)]
        sources = [count.write(Path(directory) / str(forms), forms) for forms in moments]
        for app_hosts in SIZES:
            with lab_stack("ukur", settings(app_hosts)) as up:
                up.succeed("fab", "up", "--stack", up.name, "--source", SMALL)
                measure(up, sources)
            shutil.rmtree(up.checkout.stack_cache, ignore_errors=True)
            shutil.rmtree(up.checkout.dist / "snapshots", ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
