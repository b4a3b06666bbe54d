"""What a rollout will do, as data: built from what the hosts have, shown, then carried out by `roles.rollout`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.errors import OperatorError
from infra.inventory import Host, Inventory
from roles.pool import ServerState
from roles.state import HistoryEntry, HostState

Action = Literal["deploy", "rollback"]


@dataclass(frozen=True)
class HostRollout:
    """What is done on one host.

    Args:
        host: The app host.
        previous: The release it has; None for its first one.
        has_snapshot: Whether it has data to be ready with; without, it is not ready whatever its release.
    """

    host: Host
    previous: str | None
    has_snapshot: bool


@dataclass(frozen=True)
class Plan:
    """A rollout: one location after another, within it one host after another.

    Args:
        action: Deploy or rollback.
        release: The release that all app hosts will have.
        hosts: Those that don't run it yet, in order.
        unchanged: Those that do.
        unnoted: Of these, those whose history doesn't say so, because the rollout that switched them was killed.
    """

    action: Action
    release: str
    hosts: tuple[HostRollout, ...]
    unchanged: tuple[Host, ...]
    unnoted: tuple[Host, ...]

    def lines(self) -> list[str]:
        """The plan for a reader, a line for each host."""
        lines = [f"{host.name}: runs {self.release} already" for host in self.unchanged]
        for number, item in enumerate(self.hosts, start=1):
            lines.append(
                f"{number}. {item.host.name} ({item.host.location}): drain, "
                f"{item.previous or 'no release'} -> {self.release}, restart, wait until ready, undrain"
            )
        return lines


def plan_rollout(
    inventory: Inventory,
    action: Action,
    release: str,
    states: Mapping[str, HostState],
    servers: Mapping[str, ServerState],
) -> Plan:
    """Plan a rollout.

    Args:
        inventory: The stack's.
        action: Deploy or rollback.
        release: What all app hosts shall have.
        states: Of every app host.
        servers: What the load balancers say of each app host.
    """
    hosts: list[HostRollout] = []
    unchanged: list[Host] = []
    for location in inventory.locations:
        for host in inventory.with_role("app", location.name):
            state = states[host.name]
            if _runs(state, release) and servers.get(host.name) != "drained":
                unchanged.append(host)
            else:
                hosts.append(HostRollout(host, state.release, state.snapshot is not None))
    unnoted = [host for host in unchanged if release_stack(states[host.name].history)[-1:] != [release]]
    return Plan(action, release, tuple(hosts), tuple(unchanged), tuple(unnoted))


def release_stack(history: Sequence[HistoryEntry]) -> list[str]:
    """A host's good releases, the current one last: a deploy puts one on top, a rollback goes back down to one."""
    stack: list[str] = []
    for entry in history:
        if entry.action == "rollback" and entry.release in stack:
            del stack[stack.index(entry.release) + 1 :]
        else:
            stack = [release for release in stack if release != entry.release] + [entry.release]
    return stack


def choose_rollback(states: Mapping[str, HostState]) -> str:
    """The newest release, before the current one, that every host with a past has had.

    A deploy that stopped half-way is undone: the release that all hosts had before it is the one. Hosts that were added
    since have no past, and don't count.

    Raises:
        OperatorError: There is no such release.
    """
    stacks = [release_stack(state.history) for state in states.values()]
    current = {stack[-1] for stack in stacks if stack}
    with_past = [stack for stack in stacks if len(stack) > 1 or (stack and len(current) > 1)]
    excluded = current if len(current) == 1 else set[str]()
    for release in reversed(with_past[0] if with_past else []):
        if release not in excluded and all(release in stack for stack in with_past):
            return release
    raise OperatorError(
        "the hosts' histories have no release before this one that all of them had; nothing was changed",
        next_command="fab releases, then fab rollback --release NAME",
    )


def _runs(state: HostState, release: str) -> bool:
    return state.release == state.running_release == release and (state.ready or state.snapshot is None)
