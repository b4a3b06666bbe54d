"""Deploying, on a lab stack of the benchmark's own, against the same plan by OpenSSH, and against pyinfra and Ansible.

Run by `make bench-deploy`. Each run brings a release that no host has; all of them have the same content under another
version, so their archives have the same size. The figures are medians; what is in brackets is the range.
"""

import shutil
import statistics
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from infra.bridge.inventory import RolloutPolicy
from roles.artefacts.release import Release, build_release
from roles.hosts.fleet import Fleet
from roles.hosts.state import observe
from roles.rollout.plan import Plan, Planner
from roles.rollout.request import Request, policy_for
from roles.rollout.session import Session
from roles.scripts.lock import forget_rollouts
from roles.stack.engine import Outputs
from roles.stack.stack import Stack
from roles.tasks.rollouts import deploy
from tests.stands.lab import SMALL, LabStack, lab_stack
from tools.bench.peers import PeerError, Peers, install_peers
from tools.bench.raw_ssh import RawSsh, raw_ssh
from tools.bench.site import settings
from tools.bench.table import heading, row, seconds
from tools.bench.timed_fab import seconds_alone

CAREFUL = (4, 4, 4)
AT_ONCE = (12, 12)
"""App hosts of each location."""

RUNS = 3
Figures = dict[str, list[float]]
"""Seconds of each run, by what was measured."""


class Bench:
    """A running stack, and what is measured on it.

    Args:
        stack: The stack, up.
        fleet: Its hosts, for looking at them between the measurements.
        raw: The same hosts by OpenSSH.
        releases: New ones, of the same size.
    """

    def __init__(self, stack: LabStack, fleet: Fleet, raw: RawSsh, releases: Sequence[Release]) -> None:
        self._stack = stack
        self._fleet = fleet
        self._raw = raw
        self._releases = iter(releases)
        self.figures: Figures = {}

    def fab(self, task: str, **policy: int) -> None:
        """Measure a task as typed, and the rollout in it."""
        words = [word for name, value in policy.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        release = next(self._releases) if task == "deploy" else None
        argv = ["python", "-m", "tools.bench.timed_fab", task, "--stack", self._stack.name, *words]
        printed: list[str] = []
        argv += ["--release", release.name] if release else []
        taken = seconds(lambda: printed.append(self._stack.succeed(*argv)))
        if release:
            self._check(release)
        self._note(f"fab {task}", taken)
        self._note(f"fab {task}, the rollout alone", seconds_alone(printed[0]))

    def raw_deploy(self, **policy: int) -> None:
        """Measure the same plan by OpenSSH, logging in included."""
        release, careful = next(self._releases), policy_for(self._fleet.inventory.rollout, **policy)
        plan = self._plan(release, careful)
        try:
            taken = seconds(lambda: self._raw.carry_out(plan, careful))
        finally:
            self._raw.close()
        self._check(release)
        self._note("raw ssh", taken)

    def peer(self, name: str, act: Callable[[Release], None]) -> None:
        """Measure another tool."""
        release = next(self._releases)
        taken = seconds(lambda: act(release))
        self._check(release)
        self._note(name, taken)

    def tidy(self) -> None:
        """Leave each host the release that it runs, so that all begin alike."""
        states = observe(self._fleet).states
        apps = self._fleet.inventory.with_role("app")
        kept = {host.name: (str(states[host.name].release),) for host in apps}
        self._fleet.all_or_error(
            apps, lambda host: self._fleet[host].run("tidying up", forget_rollouts(kept[host.name]))
        )

    def _plan(self, release: Release, policy: RolloutPolicy) -> Plan:
        """The plan that `fab deploy` would carry out."""
        plans: list[Plan] = []

        def keep(_: Session, planner: Planner, __: object) -> None:
            plans.append(planner.plan())

        outputs = Outputs(self._fleet.inventory, "", None)
        with patch.object(Session, "roll_out", keep):
            deploy(Stack(self._stack.checkout, outputs, self._fleet), release, Request(policy))
        return plans[0]

    def _check(self, release: Release) -> None:
        """Every host must run it: a benchmark of what doesn't work says nothing."""
        observed = observe(self._fleet)
        for host in self._fleet.inventory.with_role("app"):
            state, server = observed.states[host.name], observed.servers[host.name]
            if (state.running_release, state.ready, server) != (release.name, True, "up"):
                raise RuntimeError(f"{host.name} does not serve {release.name}: {server}, {state}")

    def _note(self, name: str, taken: float) -> None:
        self.figures.setdefault(name, []).append(taken)
        print(f"{name}: {taken:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def bench(app_hosts: Iterable[int], releases: int) -> Generator[tuple[Bench, LabStack], None, None]:
    """A stack that serves the sample, and new releases for it; nothing is left of either."""
    with lab_stack("ukur", settings(app_hosts)) as stack:
        built: list[Release] = []
        try:
            stack.succeed("fab", "up", "--stack", stack.name, "--source", SMALL)
            built += [build_release(stack.checkout, f"0.0.{number}-ukur") for number in range(releases)]
            fleet = stack.fleet()
            with raw_ssh(stack.checkout, fleet) as raw:
                yield Bench(stack, fleet, raw, built), stack
            fleet.close()
        finally:
            for release in built:
                for file in release.path.parent.glob(f"{release.path.name}*"):
                    file.unlink()
            shutil.rmtree(stack.checkout.stack_cache, ignore_errors=True)


def measure_careful(app_hosts: Sequence[int] = CAREFUL, runs: int = RUNS) -> None:
    """Measure a deploy and a rollback with the default care, but without waiting for the canary's soak time."""
    with bench(app_hosts, 2 * runs) as (on_stack, _):
        for _ in range(runs):
            on_stack.raw_deploy(soak_seconds=0)
            on_stack.fab("deploy", soak_seconds=0)
            on_stack.fab("rollback", soak_seconds=0)
    heading(f"Deploying to {sum(app_hosts)} app hosts in {len(app_hosts)} locations", "what", "s", "ratio to raw ssh")
    _rows(on_stack.figures, without_ratio="fab rollback")


def measure_at_once(app_hosts: Sequence[int] = AT_ONCE, runs: int = RUNS) -> None:
    """Measure a deploy on all hosts at once, by ours and by the others."""
    all_at_once = {"soak_seconds": 0, "max_parallel": 24, "capacity_floor_percent": 0}
    with bench(app_hosts, 4 * runs) as (on_stack, stack):
        peers = _peers(stack)
        for _ in range(runs):
            on_stack.tidy()
            on_stack.raw_deploy(**all_at_once)
            on_stack.tidy()
            on_stack.fab("deploy", **all_at_once)
            for name, act in peers.items():
                on_stack.tidy()
                on_stack.peer(name, act)
    heading(f"Deploying to {sum(app_hosts)} app hosts at once", "tool", "s", "ratio to raw ssh")
    _rows(on_stack.figures)


def _peers(stack: LabStack) -> Mapping[str, Callable[[Release], None]]:
    try:
        peers = Peers(stack.checkout, stack.inventory(), install_peers(stack.checkout))
    except PeerError as error:
        print(f"\npyinfra and Ansible are not measured: they can't be installed: {error}", flush=True)
        return {}
    return {"pyinfra": peers.pyinfra, "ansible-core": peers.ansible}


def _rows(figures: Figures, without_ratio: str = "-") -> None:
    """The fastest last; the rollback is no deploy."""
    raw = statistics.median(figures["raw ssh"])
    for name, taken in figures.items():
        median = statistics.median(taken)
        ratio = "-" if name.startswith(without_ratio) else f"{median / raw:.2f}"
        row(name, f"{median:.1f} ({min(taken):.1f} to {max(taken):.1f})", ratio)


if __name__ == "__main__":
    measure_careful()
    measure_at_once()
