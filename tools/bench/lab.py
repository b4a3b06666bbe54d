"""Hosts and deploys, on a lab stack of the benchmark's own, each against the same work without us.

Run by `make bench-lab`. `pulumi up` is set against starting the same hosts with no engine; `fab deploy` against
OpenSSH, one shared connection a host, running the same scripts in the same order.
"""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from infra.addresses import network_plan
from infra.inventory import Host, Inventory
from infra.lab.machine import Machine, greets
from roles.fleet import Checkout
from roles.pool import DRAIN_SECONDS, UP_SECONDS
from roles.release import Release, build_release
from roles.rollout import READY_SECONDS
from roles.scripts import artefacts, pool
from roles.scripts.quoting import Script
from roles.verify import write_access
from tests.lab import PROJECT, SMALL, LabStack, lab_stack
from tools.bench.table import heading, row, seconds

STACK = "uji-ukur"
SETTINGS = """config:
  tegak:network: 198.18.64.0/20
  tegak:server_name: hasil.uji.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:locations:
"""
LOCATION = "    - {{name: {name}, kind: lab, network: {number}, app_hosts: {app_hosts}}}\n"
NAMES = ("barat", "timur")
UPS = {6: (4,), 12: (10,), 24: (11, 10)}
"""Hosts in all, with a load balancer a location and the edge: app hosts of each location."""

DEPLOYS = {4: (2, 2), 24: (12, 12)}
RUNS = 3


def settings(app_hosts: Iterable[int]) -> str:
    """The settings of a stack with so many app hosts in each location."""
    return SETTINGS + "".join(
        LOCATION.format(name=name, number=number, app_hosts=count)
        for number, (name, count) in enumerate(zip(NAMES, app_hosts, strict=False), start=1)
    )


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
    with lab_stack(STACK, settings(app_hosts)) as stack:
        stack.succeed("pulumi", "stack", "init", STACK)
        up, again = seconds(stack.pulumi_up), seconds(stack.pulumi_up)
        hosts = stack.inventory().hosts
        for host in hosts:
            stack.cut_power(host)
        return up, seconds(lambda: boot(stack, hosts)), again


class RawSsh:
    """The same steps by OpenSSH alone."""

    def __init__(self, checkout: Checkout, inventory: Inventory) -> None:
        write_access(checkout, inventory)
        self._config = checkout.stack_cache / "ssh_config"
        self._inventory = inventory

    def run(self, host: Host, script: Script, stdin: Path | None = None) -> None:
        """Run a script on a host."""
        with (stdin or Path("/dev/null")).open("rb") as file:
            argv = ["ssh", "-F", str(self._config), host.name, script.command_line()]
            subprocess.run(argv, stdin=file, stdout=subprocess.DEVNULL, check=True)

    def deploy(self, release: Release) -> None:
        """Send to all hosts side by side, then switch one after another."""
        hosts = self._inventory.with_role("app")
        receive = artefacts.receive_release(release.artefact())
        with ThreadPoolExecutor(12) as threads:
            for sent in [threads.submit(self.run, host, receive, release.path) for host in hosts]:
                sent.result()
        for host in hosts:
            (balancer,) = self._inventory.with_role("lb", host.location)
            self.run(balancer, pool.drain(host.name, DRAIN_SECONDS))
            self.run(host, artefacts.activate_release(release.name))
            self.run(host, artefacts.wait_ready(release.name, with_snapshot=True, seconds=READY_SECONDS))
            self.run(balancer, pool.undrain(host.name))
            self.run(balancer, pool.wait_until_up(host.name, UP_SECONDS))


def measure_deploys() -> None:
    """Measure deploys, ours and by raw ssh in turn, each of a release that no host has."""
    heading("Deploying, one host after another", "app hosts", "fab deploy, s", "raw ssh, s", "ratio")
    for number, app_hosts in DEPLOYS.items():
        with lab_stack(STACK, settings(app_hosts)) as stack:
            stack.succeed("fab", "up", "--stack", STACK, "--source", SMALL)
            raw = RawSsh(stack.checkout, stack.inventory())
            ours, theirs = zip(*(compare(stack, raw, run) for run in range(RUNS)), strict=True)
            mine, other = statistics.median(ours), statistics.median(theirs)
            row(str(number), f"{mine:.1f}", f"{other:.1f}", f"{mine / other:.2f}")


def compare(stack: LabStack, raw: RawSsh, run: int) -> tuple[float, float]:
    """One deploy of each kind: seconds of ours and of raw ssh."""
    mine, other = (build_release(Checkout(PROJECT, STACK), f"0.{run}.{kind}") for kind in (1, 2))
    acts: tuple[Callable[[], object], ...] = (
        lambda: stack.fab("deploy", "--release", mine.name),
        lambda: raw.deploy(other),
    )
    try:
        return seconds(acts[0]), seconds(acts[1])
    finally:
        for release in (mine, other):
            for file in release.path.parent.glob(f"{release.path.name}*"):
                file.unlink()


if __name__ == "__main__":
    measure_ups()
    measure_deploys()
