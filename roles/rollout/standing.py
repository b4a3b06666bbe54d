"""Where each host stands as a rollout begins: what it had, whether it can be changed, its way out of the pool."""

from collections.abc import Sequence

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.lock import HostBefore
from roles.hosts.state import HostState, Observation
from roles.rollout.capacity import Capacity
from roles.rollout.plan import KEPT_OUT, HostChange, Phase, Rollout, Step
from roles.rollout.pools import Pool, drain, pool_of
from roles.scripts.layout import LOCATIONS


class Standing:
    """Where each host stands.

    Args:
        observed: What the hosts have.
        rollout: What begins, or goes on.
    """

    def __init__(self, observed: Observation, rollout: Rollout) -> None:
        self.observed = observed
        self.rollout = rollout
        self.inventory = observed.inventory
        self.capacity = Capacity(observed, rollout.policy)

    def before(self, host: Host) -> HostBefore:
        """What a host had before the rollout, also where it is resumed."""
        known = self.rollout.before.get(host.name)
        if known is not None:
            return known
        state = self.state(host)
        in_pool = self.observed.servers.get(host.name) in {"up", "down"}
        return HostBefore(in_pool=in_pool, release=state.release, snapshot=state.snapshot, shown=state.shown)

    def state(self, host: Host) -> HostState:
        """What a host has; nothing where it doesn't answer."""
        return self.observed.states.get(host.name, HostState())

    def has_data(self, host: Host) -> bool:
        """Whether it has results to serve: without any it can't become ready."""
        return self.state(host).snapshot is not None

    def can_be_changed(self, host: Host) -> bool:
        """Whether it answers and, for an app host, can be drained: not where nobody says whether it gets requests."""
        known, unknown = self.observed.states, self.observed.errors
        if "app" in host.roles and (host.location in unknown or not self.pool(host).can_drain(known)):
            return False
        return host.name in known

    def pool(self, host: Host) -> Pool:
        """Who divides requests over an app host and the others of its location."""
        return pool_of(self.inventory, host.location)

    def edges(self) -> list[Host]:
        """The edges that answer."""
        return [edge for edge in self.inventory.with_role("edge") if edge.name in self.observed.states]

    def drains(
        self, host: Host, *, before: HostBefore | None = None, was_up: bool = False, check: bool = True
    ) -> list[Step]:
        """Steps that take an app host out of the pool; undone only where it was in it before."""
        in_pool = before is not None and before.in_pool
        return self.pool(host).drains(host, self.observed.states, in_pool=in_pool, was_up=was_up, check=check)

    def undrains(self, host: Host) -> list[Step]:
        """Steps that put an app host into the pool, and wait until it is found up if it has anything to serve."""
        return self.pool(host).undrains(host, self.observed.states, wait=self.has_data(host))

    def keep_out(self, left_out: Sequence[Host]) -> list[Phase]:
        """Hosts that don't answer must not come back with what they had, nor a location that can't be reached.

        Raises:
            OperatorError: Too few would be left to serve.
        """
        hosts = [change for host in left_out if (change := self._kept_out(host))]
        locations = [change for host in left_out if (change := self._cut_off(host))]
        for location in dict.fromkeys(change.host.location for change in hosts):
            if self.capacity.spare(location) < 0:
                raise OperatorError(
                    f"{location} would have too few hosts left without those that don't answer; nothing was changed",
                    next_command="fab status, then pulumi up",
                )
        for location in dict.fromkeys(change.host.location for change in locations):
            if not self.capacity.serving_elsewhere(location):
                raise OperatorError(
                    f"no load balancer of {location} answers, and no other location serves; nothing was changed",
                    next_command="fab status, then pulumi up",
                )
        changes = (*hosts, *locations)
        return [Phase("keep out what does not answer", (changes,))] if changes else []

    def _kept_out(self, host: Host) -> HostChange | None:
        """An app host that doesn't answer is taken out of the pool: it must not come back with what it had."""
        if "app" not in host.roles or self.observed.servers.get(host.name) not in {"up", "down"}:
            return None
        return HostChange(host, KEPT_OUT, tuple(self.drains(host, check=False)))

    def _cut_off(self, host: Host) -> HostChange | None:
        """Where no load balancer answers nobody can take out its hosts: the location is taken out at the edge."""
        is_out = self.observed.locations.get(host.location) not in {"up", "down"}
        if "lb" not in host.roles or self.pool(host).can_drain(self.observed.states) or is_out:
            return None
        drains = (
            drain(edge, LOCATIONS, host.location, in_pool=False, was_up=False, check=False) for edge in self.edges()
        )
        return HostChange(host, f"{KEPT_OUT}, with its location", tuple(drains))
