"""Carrying out a rollout's plan: one host at a time, and a host that fails is put back to what it had."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.errors import OperatorError
from infra.inventory import Host
from roles.connection import HostError
from roles.fleet import Fleet
from roles.plan import HostRollout, Plan
from roles.pool import Pool
from roles.release import Release
from roles.scripts import artefacts as scripts
from roles.scripts.layout import RELEASES
from roles.state import HistoryEntry, HostState, read_state

READY_SECONDS = 30
RELEASES_KEPT = 5


@dataclass(frozen=True)
class Rollout:
    """Carries out plans.

    Args:
        fleet: The hosts.
        report: Told of each step, before it is done.
        now: The time, for the hosts' history.
    """

    fleet: Fleet
    report: Callable[[str], None]
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def install(self, release: Release, states: Mapping[str, HostState]) -> None:
        """Send the release to every app host that lacks it; nothing is switched.

        Raises:
            OperatorError: A host refused it or doesn't answer; no host was changed.
        """
        artefact = release.artefact()
        lacking = [
            host for host in self.fleet.inventory.with_role("app") if release.name not in states[host.name].releases
        ]
        if lacking:
            self.report(f"sending {release.name} to {len(lacking)} hosts")
        script = scripts.receive_release(artefact)

        def send(host: Host) -> None:
            with release.path.open("rb") as file:
                self.fleet[host].run(f"receiving {release.name}", script, file)

        try:
            self.fleet.all_or_error(lacking, send)
        except OperatorError as error:
            raise OperatorError(
                f"{error.message}; no host was switched", next_command=error.next_command or "fab build"
            ) from error

    def carry_out(self, plan: Plan) -> None:
        """Switch the plan's hosts.

        Raises:
            OperatorError: A host failed. It has its previous release again, and is in the pool only if it is ready with
                it; the hosts after it were not touched.
        """
        for host in plan.unnoted:
            self._note(plan, host)
        for index, item in enumerate(plan.hosts, start=1):
            self._switch(plan, item, f"{index}/{len(plan.hosts)} {item.host.name}")
        self.fleet.all_or_error(self.fleet.inventory.with_role("app"), lambda host: self._prune(plan, host))

    def _switch(self, plan: Plan, item: HostRollout, label: str) -> None:
        pool = Pool.of(self.fleet, item.host.location)
        remote = self.fleet[item.host]
        try:
            self.report(f"{label}: draining")
            pool.drain(item.host)
            self.report(f"{label}: activating {plan.release}")
            remote.run("activating the release", scripts.activate_release(plan.release))
            self._wait_ready(item, plan.release)
            self.report(f"{label}: undraining")
            pool.undrain(item.host, wait=item.has_snapshot)
            self._note(plan, item.host)
        except HostError as error:
            raise OperatorError(
                f"{error.message}; {self._restore(pool, item)}",
                next_command=error.next_command or f"fab status, then fab {plan.action} again",
            ) from error

    def _restore(self, pool: Pool, item: HostRollout) -> str:
        """Put a host back to what it had, and say in which state it was left."""
        name = item.host.name
        if item.previous is None:
            try:
                self.fleet[item.host].run("undoing its first release", scripts.deactivate_release())
            except HostError:
                return f"{name} is out of the pool, in an unknown state"
            return f"{name} has no release again, and is out of the pool"
        self.report(f"{name}: putting back {item.previous}")
        try:
            self.fleet[item.host].run("putting back its release", scripts.activate_release(item.previous))
            self._wait_ready(item, item.previous)
            if not item.has_snapshot:
                return f"{name} has {item.previous} again, and is out of the pool: it has no snapshot"
            pool.undrain(item.host)
        except HostError as error:
            return f"{name} was left out of the pool: {error.step}: {error.detail}"
        return f"{name} has {item.previous} again and is back in the pool; the hosts after it were not touched"

    def _wait_ready(self, item: HostRollout, release: str) -> None:
        script = scripts.wait_ready(release, with_snapshot=item.has_snapshot, seconds=READY_SECONDS)
        self.fleet[item.host].run(f"waiting until it is ready with {release}", script)

    def _note(self, plan: Plan, host: Host) -> None:
        entry = HistoryEntry(at=self.now().isoformat(timespec="seconds"), action=plan.action, release=plan.release)
        self.fleet[host].run("noting the release", scripts.note_release(entry.model_dump_json()))

    def _prune(self, plan: Plan, host: Host) -> None:
        state = read_state(self.fleet, host)
        recent = [entry.release for entry in reversed(state.history)]
        keep = tuple(dict.fromkeys([plan.release, *recent]))[:RELEASES_KEPT]
        if set(state.releases) - set(keep):
            self.fleet[host].run("removing old releases", scripts.prune(RELEASES, keep))
