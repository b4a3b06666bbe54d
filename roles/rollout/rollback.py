"""Which release a rollback goes to."""

from infra.bridge.errors import OperatorError
from roles.hosts.state import Observation
from roles.stack.names import closest


def choose_rollback(observed: Observation) -> str:
    """The newest good release before the current one, as the log tells, that is not marked bad.

    If a rollout was left half-way, it is the release that all hosts should have.

    Raises:
        OperatorError: There is none.
    """
    log = observed.log
    hosts = [host for host in observed.inventory.with_role("app") if host.name in observed.states]
    half_way = log.release and any(observed.states[host.name].release != log.release for host in hosts)
    candidates = log.releases if half_way else log.releases[:-1]
    for name in reversed(candidates):
        if name not in log.bad and all(name in observed.states[host.name].releases for host in hosts):
            return name
    raise OperatorError(
        "the log has no good release before this one that every host keeps; nothing was changed",
        next_command="fab releases, then fab rollback --release NAME",
    )


def check_release_known(observed: Observation, name: str) -> None:
    """Refuse a release that no host keeps.

    Raises:
        OperatorError: The message has the closest names.
    """
    known = sorted({release for state in observed.states.values() for release in state.releases})
    if name not in known:
        raise OperatorError(
            f"no host keeps a release {name!r:.80}; {closest(name, known)}", next_command="fab releases"
        )
