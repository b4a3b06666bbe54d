"""Building plans: from what the hosts have and what they should have, in an order that keeps the site serving."""

from collections.abc import Mapping

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.lock import HostBefore
from roles.hosts.state import Observation
from roles.rollout.changes import HostChanges, Target
from roles.rollout.plan import OWN_FILES, Gate, HostChange, Phase, Plan, Rollout, Step
from roles.rollout.standing import Standing
from roles.scripts import artefacts
from roles.scripts.layout import LOCATIONS
from roles.scripts.lock import forget_rollouts
from roles.scripts.quoting import Script


class ReleasePlanner:
    """Plans the rollout of a release with its configuration.

    Args:
        observed: What the hosts have.
        rollout: What begins, or goes on.
        target: What they should have.
    """

    def __init__(self, observed: Observation, rollout: Rollout, target: Target) -> None:
        self.observed = observed
        self.rollout = rollout
        self._target = target
        self._standing = Standing(observed, rollout)
        self._changes = HostChanges(self._standing, target)

    def plan(self) -> Plan:
        """Described at `Planner`."""
        inventory, capacity = self.observed.inventory, self._standing.capacity
        left_out = [host for host in inventory.hosts if not self._standing.can_be_changed(host)]
        phases = [*self._ground(), *self._receive(), *self._rollout()]
        if phases:
            phases = [*self._standing.keep_out(left_out), *phases]
        name = self._target.release_name or OWN_FILES
        spare = {location.name: capacity.spare(location.name) for location in inventory.locations}
        return Plan(self.rollout.id, self.rollout.action, name, tuple(phases), tuple(left_out), spare)

    def tidy(self, *, undone: bool = False) -> Mapping[str, Script]:
        """Described at `Planner`."""
        if undone:
            return {host.name: forget_rollouts(None) for host in self.observed.answering}
        target, name = self._target, self._target.release_name
        keep = tuple(dict.fromkeys(filter(None, [name, *target.kept])))[: self.rollout.policy.keep_releases]
        return {
            host.name: forget_rollouts(keep if "app" in host.roles and name else None)
            for host in self.observed.answering
        }

    def before(self, host: Host) -> HostBefore:
        """Described at `Planner`."""
        return self._standing.before(host)

    def everything(self) -> list[HostChange]:
        """Described at `Planner`."""
        inventory = self.observed.inventory
        changes = [
            *(self._changes.app(host, forced=True) for host in inventory.with_role("app")),
            *(self._changes.balancer(host, forced=True) for host in inventory.with_role("lb")),
            *(self._changes.edge(host, forced=True) for host in inventory.with_role("edge")),
        ]
        ground = [self._changes.ground(host, self._target.base_files[host.name]) for host in self.observed.answering]
        return [*ground, *(change for change in changes if change is not None)]

    def _ground(self) -> list[Phase]:
        changes: list[HostChange] = []
        for host in self.observed.answering:
            files, _ = self._changes.differing(host, self._target.base_files[host.name])
            if files:
                changes.append(self._changes.ground(host, files))
        return [Phase("ground: what every host needs", (tuple(changes),))] if changes else []

    def _receive(self) -> list[Phase]:
        release, artefact = self._target.release_name, self._target.artefact
        hosts = [host for host in self.observed.inventory.with_role("app") if self._standing.can_be_changed(host)]
        lacking = [host for host in hosts if release and release not in self._standing.state(host).releases]
        if not lacking:
            return []
        if artefact is None:
            raise OperatorError(
                f"{lacking[0].name} lacks release {release}, and it is not in dist/ either; nothing was changed",
                next_command="fab releases",
            )
        script, size = artefacts.receive_release(artefact.artefact()), artefact.path.stat().st_size
        changes = tuple(
            HostChange(
                host,
                f"receive {release}, {size / 10**6:.1f} MB",
                (Step("receive", host, script, stdin=artefact.path, stdin_is=artefact.path.name),),
            )
            for host in lacking
        )
        return [Phase("receive", (changes,))]

    def _rollout(self) -> list[Phase]:
        observed, inventory, capacity = self.observed, self.observed.inventory, self._standing.capacity
        apps = {
            location.name: [c for h in inventory.with_role("app", location.name) if (c := self._changes.app(h))]
            for location in inventory.locations
        }
        balancers = {
            location.name: [c for h in inventory.with_role("lb", location.name) if (c := self._changes.balancer(h))]
            for location in inventory.locations
        }
        edges = [change for host in inventory.with_role("edge") if (change := self._changes.edge(host))]
        serving = [name for location in apps for name in observed.serving(location)]
        all_apps = [change for changes in apps.values() for change in changes]
        if not serving or capacity.all_at_once:
            all_balancers = [change for changes in balancers.values() for change in changes]
            parts = (("all app hosts at once", all_apps), ("load balancers", all_balancers), ("edge", edges))
            return [Phase(name, (tuple(changes),)) for name, changes in parts if changes]
        # One that is out of the pool already makes the best canary: it costs no capacity.
        canary = next((c for c in all_apps if not c.serves), None) or next((c for c in all_apps if c.serves), None)
        phases = [self._canary_phase(canary)] if canary else []
        first = True
        # The canary's location comes first: what is learnt there is learnt before another one is touched.
        for location in sorted(apps, key=lambda name: canary is None or name != canary.host.location):
            batches = [*capacity.batches(location, apps[location], canary), *((c,) for c in balancers[location])]
            if batches:
                name = f"canary location {location}" if first else f"location {location}"
                phases.append(Phase(name, tuple(batches), self._location_gate(location) if first else None))
                first = False
        return [*phases, *([Phase("edge", tuple((change,) for change in edges))] if edges else [])]

    def _canary_phase(self, canary: HostChange) -> Phase:
        location = canary.host.location
        if canary.serves:
            self._standing.capacity.width(location)
        others = tuple(name for name in self.observed.serving(location) if name != canary.host.name)
        gate = self._standing.pool(canary.host).gate(canary.host, others, self.observed.states)
        has_data = self._standing.has_data(canary.host)
        return Phase("canary host", ((canary,),), gate if has_data else None)

    def _location_gate(self, location: str) -> Gate | None:
        edges = self._standing.edges()
        if not edges or self.observed.locations.get(location) != "up":
            return None
        others = tuple(name for name, state in self.observed.locations.items() if state == "up" and name != location)
        return Gate(edges[0], LOCATIONS, (location,), others)
