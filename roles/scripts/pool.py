"""Talking to HAProxy through its admin socket: a load balancer's about app hosts, an edge's about locations."""

from roles.scripts.layout import HAPROXY_SOCKET, HAPROXY_STATE
from roles.scripts.quoting import (
    Script,
    command,
    keep,
    pipe,
    prints,
    refuse_unless,
    script,
    unless,
    wait_until,
    writing,
)

SESSIONS, STATUS = 5, 18
"""Columns of HAProxy's statistics, counted from 1 (management guide, section 9.1)."""


def _ask(text: str) -> str:
    return pipe(command("echo", text), command("socat", "-t", 5, "-", f"UNIX-CONNECT:{HAPROXY_SOCKET}"))


def _column(backend: str, server: str, column: int) -> str:
    row = f'$1=="{backend}" && $2=="{server}" {{print ${column}}}'
    return pipe(_ask("show stat"), command("awk", "-F", ",", row))


def _set_state(backend: str, server: str, state: str) -> list[str]:
    # The socket answers a wrong name with a text and success: silence is what says that it was done.
    new, lock = (HAPROXY_STATE.with_name(f"{HAPROXY_STATE.name}.{part}") for part in ("new", "lock"))
    answer = pipe(_ask(f"set server {backend}/{server} state {state}"), command("tr", "-d", "[:space:]"))
    return [
        keep("answer", answer),
        refuse_unless('[ -z "$answer" ]', f"HAProxy did not set {server} to {state}"),
        # Written down at once: what is out of the pool stays out, also after a power cut of the load balancer.
        # One at a time: rollouts drain several servers of a load balancer side by side.
        f"exec 8>> {command(lock)}",
        command("flock", "-w", 10, 8),
        writing(_ask("show servers state"), new),
        command("mv", "-T", new, HAPROXY_STATE),
    ]


def show_servers(backend: str) -> Script:
    """Print HAProxy's own state and ours of each server; nothing where HAProxy doesn't run yet."""
    no_socket = f"! {command('test', '-S', HAPROXY_SOCKET)}"
    return script(unless(no_socket, _ask(f"show servers state {backend}")), timeout_seconds=15)


def drain(backend: str, server: str) -> Script:
    """Send the server no new requests."""
    return script(*_set_state(backend, server, "drain"), timeout_seconds=15)


def wait_until_idle(backend: str, server: str, seconds: int) -> Script:
    """Wait until the server has no session left."""
    idle = prints(_column(backend, server, SESSIONS), 0)
    late = command("echo", f"{server} still has sessions after {seconds} s")
    return script(*wait_until(idle, seconds, late), timeout_seconds=seconds + 10)


def undrain(backend: str, server: str) -> Script:
    """Send the server requests again, once HAProxy's own check finds it up."""
    return script(*_set_state(backend, server, "ready"), timeout_seconds=15)


def wait_until_up(backend: str, server: str, seconds: int) -> Script:
    """Wait until HAProxy's own check finds the server up."""
    up = prints(_column(backend, server, STATUS), "UP")
    late = command("echo", f"HAProxy does not find {server} up after {seconds} s")
    return script(*wait_until(up, seconds, late), timeout_seconds=seconds + 10)
