"""The plan of a publication: every app host gets the snapshot, then all are switched to it, and then the edge.

Hosts keep the snapshot before, and answer from it as long as the edge asks for it: the public sees the switch at the
edge, at one moment, whatever a host or a cache has.
"""

from collections.abc import Mapping

from infra.bridge.inventory import Host
from roles.artefacts.snapshot import StoredSnapshot
from roles.hosts.lock import HostBefore
from roles.hosts.state import Observation
from roles.rollout.formats import check_hosts_read
from roles.rollout.plan import HostChange, Phase, Plan, Rollout, Step
from roles.rollout.pools import undrain
from roles.rollout.standing import Standing
from roles.scripts import snapshots
from roles.scripts.layout import LOCATIONS
from roles.scripts.quoting import Script


class SnapshotPlanner:
    """Plans a publication.

    Args:
        observed: What the hosts have.
        rollout: What begins, or goes on.
        snapshot: The snapshot.
    """

    def __init__(self, observed: Observation, rollout: Rollout, snapshot: StoredSnapshot) -> None:
        self.observed = observed
        self.rollout = rollout
        self._snapshot = snapshot
        self._standing = Standing(observed, rollout)

    def plan(self) -> Plan:
        """Described at `Planner`.

        Raises:
            OperatorError: The release of a host can't read it.
        """
        if self._snapshot.facts:
            check_hosts_read(self._snapshot.facts, self.observed)
        left_out = [host for host in self.observed.inventory.hosts if not self._standing.can_be_changed(host)]
        phases = [*self._receive(), *self._switch(), *self._show(), *self._bring_back()]
        if phases:
            phases = [*self._standing.keep_out(left_out), *phases]
        name, entered = self._snapshot.name, self._snapshot.facts.tps_entered if self._snapshot.facts else 0
        locations = [location.name for location in self.observed.inventory.locations]
        spare = {location: self._standing.capacity.spare(location) for location in locations}
        return Plan(self.rollout.id, "publish", name, tuple(phases), tuple(left_out), spare, entered)

    def tidy(self, *, undone: bool = False) -> Mapping[str, Script]:
        """Old snapshots are removed; the one before stays, for who still reads from it."""
        if undone:
            return {}
        scripts: dict[str, Script] = {}
        for host in self._app_hosts():
            keep = tuple(dict.fromkeys(filter(None, [self._snapshot.name, self.before(host).snapshot])))
            scripts[host.name] = snapshots.keep_snapshots(keep)  # also where only what is half made is too much
        return scripts

    def before(self, host: Host) -> HostBefore:
        """Described at `Planner`."""
        return self._standing.before(host)

    def everything(self) -> list[HostChange]:
        """The switch on every host, and at the edge."""
        return [
            *(self._switched(host) for host in self._app_hosts()),
            *(self._shown(edge) for edge in self._standing.edges()),
        ]

    def _app_hosts(self) -> list[Host]:
        return [host for host in self.observed.inventory.with_role("app") if self._standing.can_be_changed(host)]

    def _receive(self) -> list[Phase]:
        lacking = [
            host for host in self._app_hosts() if self._snapshot.name not in self._standing.state(host).snapshots
        ]
        changes = tuple(HostChange(host, *self._received(host), otherwise=self._left_out(host)) for host in lacking)
        return [Phase("receive", (changes,))] if changes else []

    def _received(self, host: Host) -> tuple[str, tuple[Step, ...]]:
        """What is sent to a host, and how: the changes, if it has what they were made to, and has it unaltered."""
        state, made_of = self._standing.state(host), self._snapshot.made_of
        has_base = made_of is not None and made_of in state.snapshots and not state.altered
        sent = self._snapshot.changes if has_base else self._snapshot.whole
        parcel = sent.parcel
        what = f"receive {parcel.name}, {parcel.size_bytes / 10**6:.1f} MB{' of changes' if parcel.made_of else ''}"
        step = Step(
            "receive",
            host,
            snapshots.receive_snapshot(parcel),
            stdin=sent.path,
            stdin_is=sent.path.name,
            arrived=None if parcel.made_of else snapshots.arrived(parcel),
        )
        return what, (step,)

    def _switch(self) -> list[Phase]:
        name = self._snapshot.name
        changing = [host for host in self._app_hosts() if self._standing.state(host).snapshot != name]
        return [Phase("switch all at once", (tuple(self._switched(host) for host in changing),))] if changing else []

    def _switched(self, host: Host) -> HostChange:
        state, before = self._standing.state(host), self.before(host).snapshot
        back = snapshots.activate_snapshot(before) if before else snapshots.deactivate_snapshot()
        steps = [Step("switch", host, snapshots.activate_snapshot(self._snapshot.name), None, back)]
        if before is None and state.running_release and self.observed.servers.get(host.name) in {"up", "down"}:
            # It becomes ready with its first snapshot, and is in use once its load balancers have seen that.
            steps += self._standing.pool(host).waits_until_up(host, self.observed.states)
        returns = self._was_left_out(host)
        steps += self._standing.undrains(host) if returns else []
        summary = f"{before or 'no snapshot'} -> {self._snapshot.name}{', and back into the pool' if returns else ''}"
        return HostChange(host, summary, tuple(steps), returns=returns, otherwise=self._left_out(host))

    def _show(self) -> list[Phase]:
        edges = [edge for edge in self._standing.edges() if self._standing.state(edge).shown != self._snapshot.name]
        return [Phase("show it", (tuple(self._shown(edge) for edge in edges),))] if edges else []

    def _bring_back(self) -> list[Phase]:
        """Locations that were out of reach during an earlier publication, and were taken out at the edge for that."""
        changes = [
            HostChange(host, "the location is asked again", steps)
            for host in self.observed.inventory.with_role("lb")
            if host.name in self.observed.states and self._was_cut_off(host.location)
            if (steps := tuple(self._asked_again(host.location)))
        ]
        return [Phase("bring back what was out of reach", (tuple(changes),))] if changes else []

    def _asked_again(self, location: str) -> list[Step]:
        return [undrain(edge, LOCATIONS, location, wait=True) for edge in self._standing.edges()]

    def _was_cut_off(self, location: str) -> bool:
        """Whether only a rollout that could not reach it took a location out, and it lacks nothing but results."""
        if self.observed.locations.get(location) != "drained" or location in self.observed.log.drained_locations:
            return False
        hosts = self.observed.inventory.with_role("app", location)
        in_pool = [host for host in hosts if self.observed.servers.get(host.name) in {"up", "down"}]
        return bool(in_pool) and all(self._lacks_only_results(host) for host in in_pool)

    def _shown(self, edge: Host) -> HostChange:
        name, before = self._snapshot.name, self.before(edge).shown
        step = Step("show", edge, snapshots.show_snapshot(name), None, snapshots.show_snapshot(before))
        return HostChange(edge, f"{before or 'what hosts show'} -> {name}", (step,))

    def _left_out(self, host: Host) -> tuple[Step, ...]:
        """What takes a host out of the pool that can't keep up: it would show older results than the others."""
        if self.observed.servers.get(host.name) not in {"up", "down"}:
            return ()
        return tuple(self._standing.drains(host, check=False))

    def _was_left_out(self, host: Host) -> bool:
        """Whether it is out of the pool for its results alone: it runs what it should, and nothing is half done."""
        return self.observed.servers.get(host.name) == "drained" and self._lacks_only_results(host)

    def _lacks_only_results(self, host: Host) -> bool:
        state, release = self._standing.state(host), self.observed.log.release
        half_done = state.altered or state.pending or set(state.rollouts) - {self.rollout.id}
        return release is not None and state.release == state.running_release == release and not half_done
