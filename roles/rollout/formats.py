"""Whether who has to read a snapshot can: what writes it travels with the tools, what reads it with the release."""

from collections.abc import Collection

from infra.bridge.errors import OperatorError
from roles.artefacts.facts import Facts
from roles.hosts.state import Observation
from roles.rollout.changes import Target


def check_hosts_read(facts: Facts, observed: Observation) -> None:
    """Refuse to send a snapshot to hosts whose release can't read it.

    Args:
        facts: What the snapshot's manifest says.
        observed: What the hosts have.

    Raises:
        OperatorError: One can't.
    """
    for host in observed.inventory.with_role("app"):
        state = observed.states.get(host.name)
        if state and state.release and facts.format not in state.reads:
            raise OperatorError(
                f"{host.name} runs {state.release}, which reads snapshots of {_formats(state.reads)}, and "
                f"{facts.snapshot} has format {facts.format}; nothing was sent",
                next_command="fab deploy of a release that reads both, or fab publish from the checkout of the old one",
            )


def check_release_reads(target: Target, observed: Observation) -> None:
    """Refuse to run a release where it can't read what is shown.

    Args:
        target: What the hosts should have.
        observed: What the hosts have.

    Raises:
        OperatorError: It can't read a host's current snapshot.
    """
    reads = target.released.reads if target.released else ()
    for host in observed.inventory.with_role("app"):
        state = observed.states.get(host.name)
        if state and state.snapshot and state.snapshot_format not in reads:
            raise OperatorError(
                f"{host.name} shows {state.snapshot} of format {state.snapshot_format}, "
                f"and {target.release_name} reads {_formats(reads)}; nothing was changed",
                next_command="fab releases, and fab deploy of one that reads it",
            )


def _formats(numbers: Collection[int]) -> str:
    return f"format {', '.join(map(str, sorted(numbers)))}" if numbers else "none"
