"""How many hosts may be away at the same time, so that enough go on serving."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.state import Observation
from roles.rollout.plan import HostChange


@dataclass(frozen=True)
class Capacity:
    """What can be spared of a stack.

    Args:
        observed: What the hosts have.
        policy: How many may be changed at once, and how many always go on serving.
    """

    observed: Observation
    policy: RolloutPolicy

    @property
    def all_at_once(self) -> bool:
        """Whether the policy says that nobody need serve meanwhile: every app host is changed at the same time."""
        every = len(self.observed.inventory.with_role("app"))
        return self.policy.capacity_floor_percent == 0 and self.policy.max_parallel >= every

    def spare(self, location: str) -> int:
        """How many of the hosts that serve may be away at the same time; negative if too few serve already."""
        if self.all_at_once:
            return len(self.observed.serving(location))
        elsewhere = self.serving_elsewhere(location)
        hosts = self.observed.inventory.with_role("app", location)
        floor = len(hosts) * self.policy.capacity_floor_percent // 100
        return len(self.observed.serving(location)) - (floor if elsewhere else max(floor, 1))

    def serving_elsewhere(self, location: str) -> list[str]:
        """The hosts of other locations that the public's requests reach."""
        others = [other.name for other in self.observed.inventory.locations if other.name != location]
        return [name for other in others if self.observed.is_reached(other) for name in self.observed.serving(other)]

    def width(self, location: str, restored: int = 0) -> int:
        """How many are changed side by side, when so many that were out of the pool are back in it.

        Raises:
            OperatorError: None can be.
        """
        width = min(self.policy.max_parallel, self.spare(location) + restored)
        if width < 1:
            serving = len(self.observed.serving(location))
            raise OperatorError(
                f"{location} has {serving} hosts serving, and its capacity floor is {serving - self.spare(location)}: "
                "none can be taken out; nothing was changed",
                next_command="fab status; repair its hosts first, or give --capacity-floor-percent",
            )
        return width

    def batches(
        self, location: str, changes: Sequence[HostChange], canary: HostChange | None
    ) -> list[tuple[HostChange, ...]]:
        """Those that don't serve all at once, then the others, never so many that too few go on serving."""
        restored = sum(1 for change in changes if change.returns)
        rest = [change for change in changes if change is not canary]
        idle = tuple(change for change in rest if not change.serves)
        busy = [change for change in rest if change.serves]
        width = self.width(location, restored) if busy else 1
        batches = [tuple(busy[start : start + width]) for start in range(0, len(busy), width)]
        return [*([idle] if idle else []), *batches]
