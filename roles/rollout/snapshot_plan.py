"""The plan of a publication: every app host gets the snapshot, and only then all are switched to it."""

from infra.bridge.inventory import Host
from roles.artefacts.snapshot import BuiltArchive
from roles.hosts.state import Observation
from roles.rollout.build import ReleasePlanner
from roles.rollout.changes import Target
from roles.rollout.plan import HostChange, Phase, Plan, Step
from roles.scripts import artefacts
from roles.scripts.quoting import Script


class SnapshotPlanner(ReleasePlanner):
    """Plans a publication.

    Args:
        observed: What the hosts have.
        target: Whose policy and past it is.
        archive: The snapshot.
    """

    def __init__(self, observed: Observation, target: Target, archive: BuiltArchive) -> None:
        super().__init__(observed, target)
        self._archive = archive

    def plan(self) -> Plan:
        """The plan."""
        concerned = [host for host in self._inventory.hosts if {"app", "lb"}.intersection(host.roles)]
        left_out = [host for host in concerned if not self._changes.can_be_changed(host)]
        phases = [*self._receive(), *self._switch()]
        if phases:
            phases = [*self._kept_out(left_out), *phases]
        return Plan(self._target.id, "publish", self._archive.name, tuple(phases), tuple(left_out))

    def tidy(self, *, undone: bool = False) -> dict[str, Script]:
        """Old snapshots are removed; the one before stays, for who still reads from it."""
        if undone:
            return {}
        scripts: dict[str, Script] = {}
        for host in self._app_hosts():
            keep = tuple(dict.fromkeys(filter(None, [self._archive.name, self.before(host).snapshot])))
            if set(self._observed.states[host.name].snapshots) - set(keep):
                scripts[host.name] = artefacts.keep_snapshots(keep)
        return scripts

    def everything(self) -> list[HostChange]:
        """The switch on every host."""
        return [self._switched(host) for host in self._app_hosts()]

    def _app_hosts(self) -> list[Host]:
        return [host for host in self._inventory.with_role("app") if self._changes.can_be_changed(host)]

    def _receive(self) -> list[Phase]:
        name = self._archive.name
        lacking = [host for host in self._app_hosts() if name not in self._observed.states[host.name].snapshots]
        if not lacking:
            return []
        artefact = self._archive.artefact()
        step = (artefacts.receive_snapshot(artefact), self._archive.path)
        changes = tuple(
            HostChange(
                host,
                f"receive {name}, {artefact.size_bytes / 10**6:.0f} MB",
                (Step("receive", host, step[0], stdin=step[1], stdin_is=step[1].name),),
            )
            for host in lacking
        )
        return [Phase("receive", (changes,))]

    def _switch(self) -> list[Phase]:
        name = self._archive.name
        changing = [host for host in self._app_hosts() if self._observed.states[host.name].snapshot != name]
        return [Phase("switch all at once", (tuple(self._switched(host) for host in changing),))] if changing else []

    def _switched(self, host: Host) -> HostChange:
        state, before = self._observed.states[host.name], self.before(host).snapshot
        back = artefacts.activate_snapshot(before) if before else artefacts.deactivate_snapshot()
        steps = [Step("switch", host, artefacts.activate_snapshot(self._archive.name), None, back)]
        if before is None and state.running_release and self._observed.servers.get(host.name) in {"up", "down"}:
            # It becomes ready with its first snapshot, and is in use once its load balancers have seen that.
            steps += self._changes.pool(host).waits_until_up(host, self._observed.states)
        return HostChange(host, f"{before or 'no snapshot'} -> {self._archive.name}", tuple(steps))
