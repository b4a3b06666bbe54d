"""What a stack still has on this machine."""

import contextlib
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from infra.addresses import NetworkPlan
from infra.lab.cgroup import PARENT, hierarchies
from infra.lab.paths import stack_directory


def traces(stack: str, network: IPv4Network) -> list[str]:
    """Its processes, mounts, links, control groups, addresses and routes.

    Args:
        stack: Its name.
        network: Its part of the lab's range.
    """
    commands = (["ps", "-eo", "args"], ["ip", "-br", "link"], ["ip", "-br", "-4", "address"], ["ip", "route"])
    lines = [line for argv in commands for line in subprocess.check_output(argv, text=True).splitlines()]
    lines += Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    for root in hierarchies():
        with contextlib.suppress(FileNotFoundError):  # no lab has a host now
            lines += [str(group) for group in (root / PARENT).iterdir()]
    plans = [NetworkPlan(part) for part in network.subnets(new_prefix=24)]
    marks = [f"{plan.bridge}{end}" for plan in plans for end in ("-", " ")]
    marks += [str(plan.network[0]).removesuffix("0") for plan in plans]
    directory = stack_directory(stack)
    left = [line for line in lines if str(directory) in line or any(mark in f"{line} " for mark in marks)]
    return [*left, str(directory)] if directory.exists() else left
