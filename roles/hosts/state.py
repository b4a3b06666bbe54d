"""What the hosts have, as they say themselves."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory
from roles.hosts.audit import Entry, HostLog, Log, merged
from roles.hosts.fleet import Fleet
from roles.hosts.lock import LockRecord, is_majority, lock_in_force
from roles.hosts.pool import ServerState, read_app_pool, read_group_pool, read_location_pool
from roles.scripts.layout import EDGE_CERTIFICATE, LOG, ORIGIN_CERTIFICATE, SERVICE
from roles.scripts.state import probe_host, probe_request


class NoRelease(Enum):
    """Why there is no release that every app host should run."""

    NONE_YET = "no release was deployed yet"
    UNKNOWN = "nobody here can say which release is in force"


UNITS = ("nginx.service", "haproxy.service", SERVICE)


class HostState(BaseModel):
    """What a host has.

    Args:
        release: What `current` points at.
        reads: Which formats of a snapshot that release reads.
        releases: Complete releases.
        snapshot: What `snapshots/current` points at.
        snapshot_format: That snapshot's format (app/pack.py).
        snapshots: Complete snapshots.
        shown: The snapshot that an edge asks hosts for; None where it takes what they show.
        archived: The newest snapshot in an edge's public archive.
        ready: Whether its own health check says so.
        altered: What its own check found wrong with its results: the snapshot, and what.
        running_release: The release that the process was started with.
        units: Which of the daemons run.
        restarts: How often systemd started the service again by itself.
        files: sha256, mode and owner of the files that were placed; empty where one is gone.
        pending: Files in place whose actions have not been done yet.
        managed: The files that were placed, in order.
        rollouts: Rollouts under way that touched it.
        log: Its audit log.
        lock: The lock that it keeps, if it has not ended by its own clock.
        free_bytes: Free space on its disk.
        writable: Whether its file systems take writes.
        unix_s: Its clock.
        python: Its Python's version.
        certificate_s: How long the certificate lasts that an edge or a load balancer shows, in seconds.
        offset_s: How far its clock is off from ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str | None = None
    reads: tuple[int, ...] = (1,)
    releases: tuple[str, ...] = ()
    snapshot: str | None = None
    snapshot_format: int = 1
    snapshots: tuple[str, ...] = ()
    shown: str | None = None
    archived: str | None = None
    ready: bool = False
    altered: str = ""
    running_release: str | None = None
    units: dict[str, bool] = {}
    restarts: int = 0
    files: dict[str, str] = {}
    pending: tuple[str, ...] = ()
    managed: tuple[str, ...] = ()
    rollouts: tuple[str, ...] = ()
    log: HostLog = HostLog()
    lock: Any = None
    free_bytes: int = 0
    writable: bool = True
    unix_s: float = 0
    python: str = ""
    certificate_s: float | None = None
    offset_s: float = 0


@dataclass(frozen=True)
class Observation:
    """What the whole stack has.

    Args:
        inventory: The stack's.
        states: Of each host that answers.
        errors: Of each host that doesn't, and of what couldn't be looked up.
        servers: What the load balancers say of each app host.
        locations: What the edges say of each location.
    """

    inventory: Inventory
    states: Mapping[str, HostState]
    errors: Mapping[str, OperatorError]
    servers: Mapping[str, ServerState]
    locations: Mapping[str, ServerState]

    @cached_property
    def log(self) -> Log:
        """What the hosts' audit logs say together."""
        return Log(entry for state in self.states.values() for entry in state.log.decisive)

    @property
    def release(self) -> str | NoRelease:
        """The release that every app host should run.

        A log that names none is no proof that there is none: hosts that run one, or too few that answer, say otherwise.
        """
        if self.log.release is not None:
            return self.log.release
        runs_one = any(state.release or state.running_release for state in self.states.values())
        enough = is_majority(len(self.states), self.inventory)
        return NoRelease.UNKNOWN if runs_one or not enough else NoRelease.NONE_YET

    @property
    def newest_entries(self) -> dict[str, str]:
        """The id of the last entry in each host's own log; empty where it has none."""
        return {name: state.log.newest_id for name, state in self.states.items()}

    @property
    def order(self) -> int:
        """The highest order in the hosts' logs."""
        return max((state.log.order for state in self.states.values()), default=0)

    @property
    def history(self) -> list[Entry]:
        """The newest entries of the hosts' logs, as many as each was asked for, and what is decisive before them."""
        return merged(e for state in self.states.values() for e in (*state.log.decisive, *state.log.newest))

    @property
    def refused_lines(self) -> list[str]:
        """What is to be said of lines in the hosts' logs that are no entries."""
        counts = {name: state.log.refused for name, state in self.states.items() if state.log.refused}
        return [f"{name}: lines in {LOG} that are no entries, and count for nothing: {n}" for name, n in counts.items()]

    @property
    def lock(self) -> LockRecord | None:
        """The lock that is in force."""
        return lock_in_force([state.lock for state in self.states.values() if state.lock is not None], self.inventory)

    @property
    def answering(self) -> list[Host]:
        """The hosts that answer."""
        return [host for host in self.inventory.hosts if host.name in self.states]

    def is_reached(self, location: str) -> bool:
        """Whether the edge sends requests to a location."""
        return not self.locations or self.locations.get(location) == "up"

    def is_current(self, name: str) -> bool:
        """Whether a host shows the results that the log says everybody is to see."""
        return self.log.snapshot in {None, self.states[name].snapshot}

    def serving(self, location: str) -> list[str]:
        """The app hosts of a location that get requests, and answer: one that does not is taken out."""
        hosts = self.inventory.with_role("app", location)
        return [host.name for host in hosts if self.servers.get(host.name) == "up" and host.name in self.states]

    def outdated(self, location: str) -> list[str]:
        """Those that serve there with another release or other results than the log says, if it says any."""
        return [
            name
            for name in self.serving(location)
            if not self.is_current(name) or self.log.release not in {None, self.states[name].release}
        ]


def read_state(fleet: Fleet, host: Host, *, newest: int = 0, details: bool = False) -> HostState:
    """Ask a host; see `observe`.

    Raises:
        HostError: It doesn't answer.
    """
    request = probe_request(answers="app" in host.roles, newest=newest, details=details)
    probe = probe_host(UNITS, ORIGIN_CERTIFICATE if "lb" in host.roles else EDGE_CERTIFICATE)
    started = time.time()
    document = json.loads(fleet[host].run("reading its state", probe, request))
    # The host looked at its clock last: what passed until then is the connection's and the probe's own time.
    offset = document["unix_s"] - time.time()
    late = min(0.0, document["unix_s"] - started)
    return HostState.model_validate({**document, "offset_s": late if late < 0 else max(0.0, offset)})


def observe(fleet: Fleet, *, newest: int = 0, details: bool = False) -> Observation:
    """Ask every host, side by side.

    Args:
        fleet: The stack's hosts.
        newest: How many of each log's newest lines are wanted, beside what is decisive.
        details: Whether with what they say of each host.
    """
    inventory = fleet.inventory

    def ask(host: Host) -> tuple[HostState, dict[str, ServerState], dict[str, ServerState]]:
        state = read_state(fleet, host, newest=newest, details=details)
        servers = read_app_pool(fleet, host) if "lb" in host.roles else {}
        locations = read_location_pool(fleet, host) if "edge" in host.roles else {}
        return state, servers, locations

    results = fleet.on_each(inventory.hosts, ask)
    unreachable = {name: result for name, result in results.items() if isinstance(result, OperatorError)}
    found = [place.name for place in inventory.groups if place.name not in fleet.missing]
    groups, unknown = _read_groups(found, inventory)
    errors = {**fleet.missing, **unknown, **unreachable}
    good = {name: result for name, result in results.items() if not isinstance(result, OperatorError)}
    return Observation(
        inventory,
        {name: state for name, (state, _, _) in good.items()},
        errors,
        {**groups, **_worst(servers for _, servers, _ in good.values())},
        _worst(locations for _, _, locations in good.values()),
    )


def _read_groups(
    locations: Iterable[str], inventory: Inventory
) -> tuple[dict[str, ServerState], dict[str, OperatorError]]:
    """What the load balancers of AWS say of their hosts; and why not, by location."""
    servers: dict[str, ServerState] = {}
    errors: dict[str, OperatorError] = {}
    for location in locations:
        try:
            servers |= read_group_pool(inventory, location)
        except OperatorError as error:
            errors[location] = error
    return servers, errors


def _worst(tables: Iterable[Mapping[str, ServerState]]) -> dict[str, ServerState]:
    """What several HAProxy say, and the worst where two of them disagree."""
    severity: tuple[ServerState, ...] = ("up", "down", "drained")
    merged: dict[str, ServerState] = {}
    for table in tables:
        for name, state in table.items():
            known = merged.get(name, "up")
            merged[name] = state if severity.index(state) > severity.index(known) else known
    return merged
