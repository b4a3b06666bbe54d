"""Building plans: from what the hosts have and what they should have, in an order that keeps the site serving."""

from collections.abc import Sequence

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.lock import HostBefore
from roles.hosts.state import Observation
from roles.rollout.capacity import Capacity
from roles.rollout.changes import HostChanges, Target
from roles.rollout.plan import Gate, HostChange, Phase, Plan, Step
from roles.scripts import artefacts
from roles.scripts.layout import LOCATIONS
from roles.scripts.lock import forget_rollouts
from roles.scripts.quoting import Script


class ReleasePlanner:
    """Plans the rollout of a release with its configuration.

    Args:
        observed: What the hosts have.
        target: What they should have.
    """

    def __init__(self, observed: Observation, target: Target) -> None:
        self._observed = observed
        self._target = target
        self._inventory = observed.inventory
        self._capacity = Capacity(observed, target.policy)
        self._changes = HostChanges(observed, target)

    def plan(self) -> Plan:
        """The plan.

        Raises:
            OperatorError: It can't be carried out without going under the capacity floor.
        """
        left_out = [host for host in self._inventory.hosts if not self._changes.can_be_changed(host)]
        phases = [*self._ground(), *self._receive(), *self._rollout()]
        if phases:
            phases = [*self._kept_out(left_out), *phases]
        target = self._target
        name = target.release or "the files of this checkout"
        spare = {location.name: self._capacity.spare(location.name) for location in self._inventory.locations}
        return Plan(target.id, target.action, name, tuple(phases), tuple(left_out), spare)

    def tidy(self, *, undone: bool = False) -> dict[str, Script]:
        """What each host removes once the rollout has succeeded; of one that was undone, only what it kept for that."""
        if undone:
            return {host.name: forget_rollouts(None) for host in self._observed.answering}
        target = self._target
        keep = tuple(dict.fromkeys(filter(None, [target.release, *target.kept])))[: target.policy.keep_releases]
        return {
            host.name: forget_rollouts(keep if "app" in host.roles and target.release else None)
            for host in self._observed.answering
        }

    def before(self, host: Host) -> HostBefore:
        """What a host had before the rollout, also where it is resumed."""
        return self._changes.before(host)

    def everything(self) -> list[HostChange]:
        """Every change that there can be, whether or not a host needs it: what an abort goes back through."""
        changes = [
            *(self._changes.app(host, forced=True) for host in self._inventory.with_role("app")),
            *(self._changes.balancer(host, forced=True) for host in self._inventory.with_role("lb")),
            *(self._changes.edge(host, forced=True) for host in self._inventory.with_role("edge")),
        ]
        ground = [self._changes.ground(host, self._target.base_files[host.name]) for host in self._observed.answering]
        return [*ground, *(change for change in changes if change is not None)]

    def _kept_out(self, left_out: Sequence[Host]) -> list[Phase]:
        """Hosts that don't answer must not come back with what they had, nor a location that can't be reached."""
        hosts = [change for host in left_out if (change := self._changes.kept_out(host))]
        locations = [change for host in left_out if (change := self._changes.cut_off(host))]
        for location in dict.fromkeys(change.host.location for change in hosts):
            if self._capacity.spare(location) < 0:
                raise OperatorError(
                    f"{location} would have too few hosts left without those that don't answer; nothing was changed",
                    next_command="fab status, then pulumi up",
                )
        for location in dict.fromkeys(change.host.location for change in locations):
            if not self._capacity.serving_elsewhere(location):
                raise OperatorError(
                    f"no load balancer of {location} answers, and no other location serves; nothing was changed",
                    next_command="fab status, then pulumi up",
                )
        changes = (*hosts, *locations)
        return [Phase("keep out what does not answer", (changes,))] if changes else []

    def _ground(self) -> list[Phase]:
        changes: list[HostChange] = []
        for host in self._observed.answering:
            files, _ = self._changes.differing(host, self._target.base_files[host.name])
            if files:
                changes.append(self._changes.ground(host, files))
        return [Phase("ground: what every host needs", (tuple(changes),))] if changes else []

    def _receive(self) -> list[Phase]:
        release, artefact = self._target.release, self._target.artefact
        hosts = [host for host in self._inventory.with_role("app") if self._changes.can_be_changed(host)]
        lacking = [host for host in hosts if release and release not in self._observed.states[host.name].releases]
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
        policy, observed = self._target.policy, self._observed
        apps = {
            location.name: [c for h in self._inventory.with_role("app", location.name) if (c := self._changes.app(h))]
            for location in self._inventory.locations
        }
        balancers = {
            location.name: [
                c for h in self._inventory.with_role("lb", location.name) if (c := self._changes.balancer(h))
            ]
            for location in self._inventory.locations
        }
        edges = [change for host in self._inventory.with_role("edge") if (change := self._changes.edge(host))]
        serving = [name for location in apps for name in observed.serving(location)]
        all_apps = [change for changes in apps.values() for change in changes]
        at_once = policy.max_parallel >= len(self._inventory.with_role("app")) and policy.capacity_floor_percent == 0
        if not serving or at_once:
            all_balancers = [change for changes in balancers.values() for change in changes]
            parts = (("all app hosts at once", all_apps), ("load balancers", all_balancers), ("edge", edges))
            return [Phase(name, (tuple(changes),)) for name, changes in parts if changes]
        # One that is out of the pool already makes the best canary: it costs no capacity.
        canary = next((c for c in all_apps if not c.serves), None) or next((c for c in all_apps if c.serves), None)
        phases = [self._canary_phase(canary)] if canary else []
        first = True
        # The canary's location comes first: what is learnt there is learnt before another one is touched.
        for location in sorted(apps, key=lambda name: canary is None or name != canary.host.location):
            batches = [*self._capacity.batches(location, apps[location], canary), *((c,) for c in balancers[location])]
            if batches:
                name = f"canary location {location}" if first else f"location {location}"
                phases.append(Phase(name, tuple(batches), self._location_gate(location) if first else None))
                first = False
        return [*phases, *([Phase("edge", tuple((change,) for change in edges))] if edges else [])]

    def _canary_phase(self, canary: HostChange) -> Phase:
        location = canary.host.location
        if canary.serves:
            self._capacity.width(location)
        others = tuple(name for name in self._observed.serving(location) if name != canary.host.name)
        gate = self._changes.pool(canary.host).gate(canary.host, others, self._observed.states)
        has_data = self._observed.states[canary.host.name].snapshot is not None
        return Phase("canary host", ((canary,),), gate if has_data else None)

    def _location_gate(self, location: str) -> Gate | None:
        edges = self._changes.edges()
        if not edges or self._observed.locations.get(location) != "up":
            return None
        others = tuple(name for name, state in self._observed.locations.items() if state == "up" and name != location)
        return Gate(edges[0], LOCATIONS, (location,), others)
