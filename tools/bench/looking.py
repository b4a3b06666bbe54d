"""Looking for what somebody altered, on a lab stack of the benchmark's own: the sample has 256,449 files.

Run by `make bench-drift`. The figures are medians; what is in brackets is the range.
"""

import shutil
import statistics
from functools import partial

from roles.stack.checkout import SAMPLE
from tests.stands.lab import LabStack, lab_stack
from tools.bench.site import settings
from tools.bench.table import heading, row, seconds

APP_HOSTS = (2, 2)
RUNS = 3
TASKS = ("status", "drift", "verify")


def measure(stack: LabStack) -> None:
    """Measure the tasks, one after the other; each must find nothing."""
    heading(f"Looking at {len(stack.inventory().hosts)} hosts", "what", "s")
    for task in TASKS:
        printed: list[str] = []
        look = partial(_look, stack, task, printed)
        taken = [seconds(look) for _ in range(RUNS)]
        row(f"fab {task}", f"{statistics.median(taken):.1f} ({min(taken):.1f} to {max(taken):.1f})")
        for line in printed[-1].splitlines():
            if "were looked at" in line or "no drift" in line:
                print(f"    {line}")


def _look(stack: LabStack, task: str, printed: list[str]) -> None:
    printed.append(stack.fab(task))


if __name__ == "__main__":
    with lab_stack("ukur", settings(APP_HOSTS)) as up:
        up.succeed("fab", "up", "--stack", up.name, "--source", SAMPLE)
        measure(up)
    shutil.rmtree(up.checkout.stack_cache, ignore_errors=True)
