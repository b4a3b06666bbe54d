"""`fab status`: what the stack looks like now, a line for each host."""

import http
import http.client
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.text import Text

from infra.bridge.errors import OperatorError
from infra.bridge.files import write_if_other
from infra.bridge.inventory import Edge, Host, Inventory
from roles.aws.targets import ServerState
from roles.hosts.state import HostState, Observation, observe
from roles.stack.stack import Stack
from roles.terminal import say, show_table

TIMEOUT_SECONDS = 5
HEALTHY = "ok"
ASKS_FOR_OTHERS = "asks for other results than the log says"


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


def status(stack: Stack) -> None:
    """Show the table.

    Raises:
        OperatorError: Something is not healthy.
    """
    authority = stack.outputs.ca_certificate
    with ThreadPoolExecutor(1) as pool:  # the edge is asked while the hosts are
        asked = pool.submit(public_answer, stack.fleet.inventory.edge, authority)
        observed = observe(stack.fleet)
        answer = asked.result()
    statuses = read_status(observed, answer)
    show_status(statuses)
    for error in stack.fleet.missing.values():
        say(f"missing: {error.message}")
    say(f"url: {stack.outputs.url}{'' if answer == HEALTHY else f': {answer}'}")
    if authority:
        say(f"ca: {_authority_file(stack, authority)}")
    for line in observed.refused_lines:
        say(line)
    for line in _behind(observed, stack.checkout.stack):
        say(line)
    if observed.log.freeze:
        say(f"frozen by {observed.log.freeze.operator.who}: {observed.log.freeze.reason}")
    if observed.lock:
        say(f"locked by {observed.lock.sentence()}")
    unhealthy = [each.host.name for each in statuses if each.health != HEALTHY] + list(stack.fleet.missing)
    if answer != HEALTHY and not observed.inventory.with_role("edge"):
        unhealthy.append("the site itself")
    if unhealthy:
        raise OperatorError(
            f"{len(unhealthy)} of {len(statuses)} hosts are not healthy: {', '.join(unhealthy)}",
            next_command=f"pulumi up -s {stack.checkout.stack}, then fab publish and fab deploy",
        )


def _behind(observed: Observation, stack: str) -> list[str]:
    """Which edges have an archive that lacks what everybody is shown: nothing of the public's pages hangs on it."""
    shown = observed.log.snapshot
    edges = [host.name for host in observed.inventory.with_role("edge") if host.name in observed.states]
    lacking = [name for name in edges if shown and observed.states[name].archived != shown]
    return [f"archive: {name} lacks {shown}; next: fab archive --stack {stack}" for name in lacking]


def read_status(observed: Observation, answer: str) -> list[HostStatus]:
    """A line for each host.

    Args:
        observed: What the hosts have.
        answer: What the edge answers to the public.
    """
    return [_status(host, observed, answer) for host in _in_order(observed.inventory)]


def _in_order(inventory: Inventory) -> Sequence[Host]:
    """The edge first, as a request goes."""
    return sorted(inventory.hosts, key=lambda host: "edge" not in host.roles)


def _status(host: Host, observed: Observation, answer: str) -> HostStatus:
    state = observed.states.get(host.name)
    if state is None:
        return HostStatus(host, None, None, "unreachable")
    if "app" in host.roles:
        health = _app_health(state, observed.servers.get(host.name))
        return HostStatus(host, state.running_release, state.snapshot, health)
    if not state.units["haproxy.service"]:
        return HostStatus(host, None, None, "haproxy is down")
    if "lb" in host.roles:
        drained = observed.locations.get(host.location) == "drained"
        return HostStatus(host, None, None, "location is drained" if drained else HEALTHY)
    if not state.units["nginx.service"]:
        return HostStatus(host, None, state.shown, "nginx is down")
    asks_for_others = state.shown not in {None, observed.log.snapshot}
    return HostStatus(host, None, state.shown, ASKS_FOR_OTHERS if asks_for_others else answer)


def _app_health(state: HostState, server: ServerState | None) -> str:
    wrong = [
        ("no release", state.release is None),
        ("service is down", state.running_release is None),
        (f"runs another release than {state.release}", state.running_release != state.release),
        ("no snapshot", state.snapshot is None),
        (f"altered results: {state.altered.partition(': ')[2]}", state.altered.startswith(f"{state.snapshot}: ")),
        ("not ready", not state.ready),
    ]
    first = next((words for words, is_so in wrong if is_so), None)
    if first is not None:
        return first
    return {"up": HEALTHY, "drained": "out of the pool", "down": "load balancer finds it down"}.get(
        server or "", "load balancer doesn't say"
    )


def public_answer(edge: Edge, authority: str | None) -> str:
    """What the edge answers: `ok`, or what is wrong.

    A host is asked at its address, since its name may lead to nobody yet, and by its name; a CDN at its name.

    Args:
        edge: The edge.
        authority: The certificate of its authority in PEM, where it is not a public one.
    """
    context = ssl.create_default_context(cadata=authority)
    link = http.client.HTTPSConnection(edge.server_name, timeout=TIMEOUT_SECONDS, context=context)
    where = str(edge.address) if edge.address else edge.server_name
    try:
        raw = socket.create_connection((where, http.client.HTTPS_PORT), TIMEOUT_SECONDS)
        link.sock = context.wrap_socket(raw, server_hostname=edge.server_name)
        link.request("GET", "/healthz")
        code = link.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    finally:
        link.close()
    return HEALTHY if code == http.HTTPStatus.OK else f"answers {code}"


def show_status(statuses: Sequence[HostStatus]) -> None:
    """Show the table of hosts."""
    show_table(
        ("location", "host", "role", "release", "snapshot", "health"),
        [
            (
                each.host.location,
                each.host.name,
                each.role,
                each.release or "-",
                each.snapshot or "-",
                Text(each.health, style="green" if each.health == HEALTHY else "bold red"),
            )
            for each in statuses
        ],
    )


def _authority_file(stack: Stack, authority: str) -> str:
    """Where a browser finds the authority's certificate, or why it can't."""
    file = stack.checkout.stack_cache / "ca.crt"
    try:
        write_if_other(file, authority.encode())
    except OperatorError as error:
        return error.message
    return str(file)
