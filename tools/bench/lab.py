"""Provisioning, on a lab stack of the benchmark's own: `pulumi up` against starting the same hosts with no engine.

Run by `make bench-lab`.
"""

import statistics
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from infra.addresses import network_plan
from infra.bridge.inventory import Host
from infra.lab.machine import Machine, greets
from tests.stands.lab import LabStack, lab_stack
from tools.bench.site import settings
from tools.bench.table import heading, row, seconds

UPS = {6: (4,), 12: (10,), 24: (11, 10)}
"""Hosts in all, with a load balancer a location and the edge: app hosts of each location."""

RUNS = 3


def boot(stack: LabStack, hosts: Iterable[Host]) -> None:
    """Start hosts that were ended, all at once, and wait until each answers ssh."""
    machines = [machine(stack, host) for host in hosts]
    for each in machines:
        each.start()
    while not all(greets(each.address) for each in machines):
        time.sleep(0.02)


def machine(stack: LabStack, host: Host) -> Machine:
    """A host as provisioning made it."""
    address = IPv4Address(str(host.address))
    plan = network_plan(IPv4Network(f"{address}/24", strict=False), 0)
    return Machine(plan.machine(address), host.name, plan.bridge, address, stack.disk(host))


def measure_ups() -> None:
    """Measure `pulumi up` from nothing, again with nothing to do, and the hosts' boot alone."""
    heading("Provisioning", "hosts", "pulumi up, s", "boot to ssh alone, s", "ratio", "pulumi up again, s")
    for number, app_hosts in UPS.items():
        figures = [measure_up(app_hosts) for _ in range(RUNS)]
        up, alone, again = (statistics.median(column) for column in zip(*figures, strict=True))
        row(str(number), f"{up:.1f}", f"{alone:.1f}", f"{up / alone:.1f}", f"{again:.1f}")


def measure_up(app_hosts: Iterable[int]) -> tuple[float, float, float]:
    """Seconds of `pulumi up` from nothing, of the hosts' boot alone, and of a second `pulumi up`."""
    with lab_stack("ukur", settings(app_hosts)) as stack:
        stack.succeed("pulumi", "stack", "init", stack.name)
        up, again = seconds(stack.pulumi_up), seconds(stack.pulumi_up)
        hosts = stack.inventory().hosts
        for host in hosts:
            stack.cut_power(host)
        return up, seconds(lambda: boot(stack, hosts)), again


if __name__ == "__main__":
    measure_ups()
