"""The pool of a location: which app hosts its load balancers send requests to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from infra.inventory import Host
from roles.fleet import Fleet
from roles.scripts import pool as scripts

ServerState = Literal["up", "down", "drained"]
SEVERITY: tuple[ServerState, ...] = ("up", "down", "drained")

RUNNING = 2
"""SRV_ST_RUNNING of HAProxy's management guide, `show servers state`."""

OUT_OF_POOL = 0x01 | 0x08
"""SRV_ADMF_FMAINT and SRV_ADMF_FDRAIN: taken out by us; health is another matter."""

DRAIN_SECONDS = 30
"""Longer than HAProxy waits for an answer (4 s, three times)."""

UP_SECONDS = 20


@dataclass(frozen=True)
class Pool:
    """The load balancers of one location."""

    fleet: Fleet
    balancers: tuple[Host, ...]

    @classmethod
    def of(cls, fleet: Fleet, location: str) -> "Pool":
        """The pool of a location."""
        return cls(fleet, fleet.inventory.with_role("lb", location))

    def drain(self, host: Host, seconds: int = DRAIN_SECONDS) -> None:
        """Take a host out and wait until it has no session left.

        Raises:
            HostError: A load balancer refused, or sessions were left; the host is out of the pool.
        """
        for balancer in self.balancers:
            self.fleet[balancer].run(f"draining {host.name}", scripts.drain(host.name, seconds))

    def undrain(self, host: Host, *, wait: bool = True) -> None:
        """Put a host back.

        Args:
            host: An app host that is ready.
            wait: Until each load balancer has found it up by its own check.

        Raises:
            HostError: A load balancer refused, or does not find it up.
        """
        for balancer in self.balancers:
            self.fleet[balancer].run(f"putting {host.name} back into the pool", scripts.undrain(host.name))
        if wait:
            self.wait_until_up(host)

    def wait_until_up(self, host: Host) -> None:
        """Wait until each load balancer has found a host up by its own check.

        Raises:
            HostError: One does not.
        """
        for balancer in self.balancers:
            step = f"waiting until it finds {host.name} up"
            self.fleet[balancer].run(step, scripts.wait_until_up(host.name, UP_SECONDS))

    def states(self) -> dict[str, ServerState]:
        """What the load balancers say of each app host; the worst, where two of them disagree."""
        states: dict[str, ServerState] = {}
        for balancer in self.balancers:
            for name, state in read_servers(self.fleet[balancer].run("reading the pool", scripts.show_servers())):
                known = states.get(name, "up")
                states[name] = state if SEVERITY.index(state) > SEVERITY.index(known) else known
        return states


def read_servers(table: str) -> Iterator[tuple[str, ServerState]]:
    """Read HAProxy's `show servers state`: a version line, a header after a hash, a line for each server."""
    _, header, *lines = table.strip().splitlines()
    columns = header.removeprefix("# ").split()
    for line in lines:
        row = dict(zip(columns, line.split(), strict=False))
        if int(row["srv_admin_state"]) & OUT_OF_POOL:
            yield row["srv_name"], "drained"
        else:
            yield row["srv_name"], "up" if int(row["srv_op_state"]) == RUNNING else "down"


def read_pools(fleet: Fleet) -> dict[str, ServerState]:
    """What the load balancers of all locations say of each app host.

    Raises:
        HostError: One doesn't answer.
    """
    states: dict[str, ServerState] = {}
    for location in fleet.inventory.locations:
        states |= Pool.of(fleet, location.name).states()
    return states
