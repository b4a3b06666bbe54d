"""Looking at hosts, on lab stacks of the benchmark's own: what is there, what would be done, what somebody altered.

Run by `make bench-look`. Measured against logging in on each host by OpenSSH, all at once, to do nothing. The figures
are medians; what is in brackets is the range.
"""

import shutil
import statistics
import subprocess
from collections.abc import Sequence
from functools import partial

from roles.stack.checkout import SAMPLE
from roles.tasks.verify import write_access
from tests.stands.lab import SMALL, LabStack, lab_stack
from tools.bench.site import settings
from tools.bench.table import heading, row, seconds

FEW, MANY = (2, 2), (11, 12)
"""App hosts of each location; each has a load balancer, and there is an edge: 7 and 26 hosts."""

QUICK_RUNS, RUNS = 9, 3


def measure(stack: LabStack, quick: Sequence[str], slow: Sequence[str]) -> None:
    """Measure tasks, one after the other; each must find nothing."""
    hosts = [host.name for host in stack.inventory().hosts]
    write_access(stack.checkout, stack.inventory())
    login = partial(_log_in_everywhere, stack, hosts)
    nothing = statistics.median(seconds(login) for _ in range(QUICK_RUNS))
    heading(f"Looking at {len(hosts)} hosts", "what", "s", "ratio")
    row("ssh to each, side by side", f"{nothing:.2f}", "1.0")
    for task in (*quick, *slow):
        printed: list[str] = []
        look = partial(_look, stack, task, printed)
        taken = [seconds(look) for _ in range(QUICK_RUNS if task in quick else RUNS)]
        middle = statistics.median(taken)
        row(f"fab {task}", f"{middle:.2f} ({min(taken):.2f} to {max(taken):.2f})", f"{middle / nothing:.1f}")
        for line in printed[-1].splitlines():
            if "no drift" in line:
                print(f"    {line}")


def _look(stack: LabStack, task: str, printed: list[str]) -> None:
    printed.append(stack.fab(task))


def _log_in_everywhere(stack: LabStack, hosts: Sequence[str]) -> None:
    argv = ["ssh", "-F", str(stack.checkout.stack_cache / "ssh_config"), "-o", "ControlPath=none"]
    under_way = [subprocess.Popen([*argv, host, "true"]) for host in hosts]
    if any(process.wait() for process in under_way):
        raise RuntimeError("a host did not let us in")


if __name__ == "__main__":
    for app_hosts, source, measured in (
        (FEW, SAMPLE, (("status", "plan"), ("drift", "verify"))),
        (MANY, SMALL, (("status",), ())),
    ):
        with lab_stack("ukur", settings(app_hosts)) as up:
            up.succeed("fab", "up", "--stack", up.name, "--source", source)
            measure(up, *measured)
        shutil.rmtree(up.checkout.stack_cache, ignore_errors=True)
