"""Configuring hosts: only what differs is placed, and only what changed is reloaded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from infra.errors import OperatorError
from infra.inventory import Host
from roles import app, base, edge, lb
from roles.connection import HostError
from roles.files import HostFile, archive
from roles.fleet import Fleet
from roles.pool import Pool
from roles.scripts.artefacts import wait_ready
from roles.scripts.files import compare_files, place_files, run_actions
from roles.state import read_state

ROLES_IN_ORDER = ("app", "lb", "edge")
"""What requests reach last is configured first."""


@dataclass(frozen=True)
class Change:
    """The files of a host that differ from what they should be."""

    host: Host
    files: tuple[HostFile, ...]

    @property
    def needs_drain(self) -> bool:
        """Whether the host must be out of the pool while it is applied."""
        return any(file.drained for file in self.files)


def files_of(fleet: Fleet, host: Host, signers: str) -> list[HostFile]:
    """What should be on a host, by its roles."""
    files = base.files(host)
    if "app" in host.roles:
        files += app.files(host, signers)
    if "lb" in host.roles:
        files += lb.files(host, fleet.inventory)
    if "edge" in host.roles:
        files += edge.files(fleet.inventory)
    return files


def plan_changes(fleet: Fleet, wanted: Mapping[str, Sequence[HostFile]]) -> list[Change]:
    """Compare every host with what it should be; nothing is changed.

    Raises:
        OperatorError: A host doesn't answer.
    """

    def differing(host: Host) -> Change:
        files = wanted[host.name]
        printed = fleet[host].run("comparing its files", compare_files(files), archive(files))
        paths = set(printed.split())
        return Change(host, tuple(file for file in files if str(file.path) in paths))

    changes = fleet.all_or_error(fleet.inventory.hosts, differing)
    return [change for change in changes.values() if change.files]


def apply_changes(fleet: Fleet, changes: Sequence[Change], report: Callable[[str], None]) -> None:
    """Place what differs, role by role; app hosts that serve are drained one after another.

    Args:
        fleet: The hosts.
        changes: From `plan_changes`.
        report: Told of each host that was changed.

    Raises:
        OperatorError: A checker refused a file (nothing was placed on that host), or a host failed.
    """
    by_host = {change.host.name: change for change in changes}
    for role in ROLES_IN_ORDER:
        of_role = [change for change in changes if role in change.host.roles]
        one_by_one = [change for change in of_role if change.needs_drain and _serves(fleet, change.host)]
        together = [change.host for change in of_role if change not in one_by_one]
        fleet.all_or_error(together, lambda host: _apply(fleet, by_host[host.name]))
        for change in one_by_one:
            _apply_drained(fleet, change)
        for change in of_role:
            report(f"{change.host.name}: {', '.join(str(file.path) for file in change.files)}")


def _serves(fleet: Fleet, host: Host) -> bool:
    return "app" in host.roles and read_state(fleet, host).units["nginx.service"]


def _apply(fleet: Fleet, change: Change) -> None:
    remote = fleet[change.host]
    remote.run("placing its files", place_files(change.files), archive(change.files))
    remote.run("reloading what changed", run_actions(change.files))


def _apply_drained(fleet: Fleet, change: Change) -> None:
    pool = Pool.of(fleet, change.host.location)
    was_ready = read_state(fleet, change.host).ready
    pool.drain(change.host)
    try:
        _apply(fleet, change)
        _wait_until_ready_again(fleet, change.host, was_ready=was_ready)
    except HostError as error:
        raise OperatorError(
            f"{error.message}; {change.host.name} was left out of the pool", next_command="fab configure"
        ) from error
    pool.undrain(change.host, wait=was_ready)


def _wait_until_ready_again(fleet: Fleet, host: Host, *, was_ready: bool) -> None:
    state = read_state(fleet, host)
    if was_ready and state.release:
        fleet[host].run("waiting until it is ready", wait_ready(state.release, with_snapshot=True, seconds=30))
