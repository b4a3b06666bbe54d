"""Everything that can be known before anything is touched."""

from collections.abc import Iterator

from infra.bridge.inventory import RolloutPolicy
from roles.artefacts.release import HOST_PYTHON
from roles.hosts.audit import RolloutAction
from roles.hosts.state import HostState, Observation

DAY_SECONDS = 86_400
NEEDED_BYTES = 200 * 10**6
"""For a release, its unpacked form and what is kept for undoing it; a snapshot's own need is checked as it arrives."""

CHANGES_THE_SYSTEM: tuple[RolloutAction, ...] = ("deploy", "rollback", "configure")
"""What a freeze stops. Results go on being published: that is what the night is for."""


def problems(
    observed: Observation, action: RolloutAction, policy: RolloutPolicy, *, emergency: bool = False
) -> list[str]:
    """What stands in a rollout's way, a sentence each; nothing if it may go on.

    Args:
        observed: What the hosts have.
        action: What is to be done.
        policy: How careful it is.
        emergency: Whether a freeze is overruled.
    """
    return [
        *_frozen(observed, action, emergency=emergency),
        *_unreachable(observed, policy),
        *(f"{name}: {text}" for name, state in observed.states.items() for text in _of_host(state, policy)),
        *_certificates(observed, action, policy),
    ]


def _frozen(observed: Observation, action: RolloutAction, *, emergency: bool) -> Iterator[str]:
    freeze = observed.log.freeze
    if freeze and action in CHANGES_THE_SYSTEM and not emergency:
        since = f"{freeze.at:%Y-%m-%d %H:%M} UTC"
        yield f"the stack is frozen by {freeze.operator.who} since {since}, reason: {freeze.reason!r}"


def _unreachable(observed: Observation, policy: RolloutPolicy) -> Iterator[str]:
    if len(observed.errors) > policy.unreachable_hosts:
        for error in observed.errors.values():
            yield error.message
        allowed = policy.unreachable_hosts
        yield f"{len(observed.errors)} hosts can't be used, and {allowed} may be (--unreachable-hosts)"


def _of_host(state: HostState, policy: RolloutPolicy) -> Iterator[str]:
    if state.free_bytes < NEEDED_BYTES:
        yield f"its disk is full: {state.free_bytes // 10**6} MB are free, {NEEDED_BYTES // 10**6} are needed"
    if not state.writable:
        yield "its file system is read-only"
    if abs(state.offset_s) > policy.clock_offset_seconds:
        yield f"its clock is off by {state.offset_s:+.0f} s, and {policy.clock_offset_seconds} s are allowed"
    if state.python != HOST_PYTHON:
        yield f"it has Python {state.python}, and releases are made for {HOST_PYTHON}"


def _certificates(observed: Observation, action: RolloutAction, policy: RolloutPolicy) -> Iterator[str]:
    if action == "publish":
        return
    brought = {host.name for host in observed.inventory.certificate_hosts}
    for name, state in observed.states.items():
        if state.certificate_s is None and name in brought:
            yield f"{name}: it has no certificate yet (fab certificate brings it)"
        elif state.certificate_s is not None and state.certificate_s < policy.certificate_days * DAY_SECONDS:
            renewed = "fab certificate brings a new one" if name in brought else "pulumi up renews it"
            yield f"{name}: its certificate ends in {state.certificate_s / DAY_SECONDS:.1f} days ({renewed})"
