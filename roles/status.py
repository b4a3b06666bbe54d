"""What the stack looks like now: a line for each host."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.errors import OperatorError
from infra.inventory import Host, Inventory
from roles.fleet import Fleet
from roles.pool import Pool, ServerState
from roles.state import HostState, read_state

TIMEOUT_SECONDS = 5
HEALTHY = "ok"


@dataclass(frozen=True)
class HostStatus:
    """A line of the table.

    Args:
        host: The host.
        release: What its service runs; None where none does.
        snapshot: What it shows.
        health: `ok`, or what is wrong.
    """

    host: Host
    release: str | None
    snapshot: str | None
    health: str

    @property
    def role(self) -> str:
        """What it is, beside `base`."""
        return ", ".join(role for role in self.host.roles if role != "base")


def read_status(fleet: Fleet, url: str, ca_file: Path | None) -> list[HostStatus]:
    """Ask every host, the load balancers and the public address.

    Args:
        fleet: The hosts.
        url: The site's address.
        ca_file: The authority of its certificate, where it is not a public one.
    """
    states = fleet.on_each(fleet.inventory.hosts, lambda host: read_state(fleet, host))
    servers = _read_servers(fleet)
    answer = _public_answer(url, ca_file)
    return [_status(host, states[host.name], servers, answer) for host in _in_order(fleet.inventory)]


def _in_order(inventory: Inventory) -> Sequence[Host]:
    """The edge first, as a request goes."""
    return sorted(inventory.hosts, key=lambda host: "edge" not in host.roles)


def _status(
    host: Host, state: HostState | OperatorError, servers: Mapping[str, ServerState], answer: str
) -> HostStatus:
    if isinstance(state, OperatorError):
        return HostStatus(host, None, None, "unreachable")
    if "app" in host.roles:
        return HostStatus(host, state.running_release, state.snapshot, _app_health(state, servers.get(host.name)))
    if "lb" in host.roles:
        return HostStatus(host, None, None, HEALTHY if state.units["haproxy.service"] else "haproxy is down")
    return HostStatus(host, None, None, answer if state.units["nginx.service"] else "nginx is down")


def _app_health(state: HostState, server: ServerState | None) -> str:
    if state.release is None:
        return "no release"
    if state.running_release is None:
        return "service is down"
    if state.running_release != state.release:
        return f"runs another release than {state.release}"
    if state.snapshot is None:
        return "no snapshot"
    if not state.ready:
        return "not ready"
    return {"up": HEALTHY, "drained": "out of the pool", "down": "load balancer finds it down"}.get(
        server or "", "load balancer doesn't say"
    )


def _read_servers(fleet: Fleet) -> dict[str, ServerState]:
    locations = fleet.inventory.locations
    names = {
        host.name: location.name
        for location in locations
        for host in fleet.inventory.with_role("lb", location.name)[:1]
    }
    results = fleet.on_each(
        [host for host in fleet.inventory.hosts if host.name in names],
        lambda host: Pool.of(fleet, names[host.name]).states(),
    )
    return {
        name: state
        for found in results.values()
        if not isinstance(found, OperatorError)
        for name, state in found.items()
    }


def _public_answer(url: str, ca_file: Path | None) -> str:
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=TIMEOUT_SECONDS, context=context):  # noqa: S310
            return HEALTHY
    except urllib.error.HTTPError as error:
        return f"answers {error.code}"
    except OSError as error:
        return f"no answer ({error})"
