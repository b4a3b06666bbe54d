"""Talking to a load balancer's HAProxy through its admin socket."""

from roles.scripts.layout import BACKEND, HAPROXY_SOCKET
from roles.scripts.quoting import Script, command, refuse_unless, script, wait_until

SESSIONS, STATUS = 5, 18
"""Columns of HAProxy's statistics, counted from 1 (management guide, section 9.1)."""


def _ask(text: str) -> str:
    return f"{command('echo', text)} | {command('socat', '-t', 5, '-', f'UNIX-CONNECT:{HAPROXY_SOCKET}')}"


def _column(server: str, column: int) -> str:
    row = f'$1=="{BACKEND}" && $2=="{server}" {{print ${column}}}'
    return f"{_ask('show stat')} | {command('awk', '-F', ',', row)}"


def _set_state(server: str, state: str) -> list[str]:
    # The socket answers a wrong name with a text and success: silence is what says that it was done.
    return [
        f"answer=$({_ask(f'set server {BACKEND}/{server} state {state}')})",
        'answer=$(printf %s "$answer" | tr -d "[:space:]")',
        refuse_unless('[ -z "$answer" ]', f"HAProxy did not set {server} to {state}"),
    ]


def show_servers() -> Script:
    """Print HAProxy's own state and ours of each server."""
    return script(_ask(f"show servers state {BACKEND}"), timeout_seconds=15)


def drain(server: str, seconds: int) -> Script:
    """Send the server no new requests, and wait until it has no session left."""
    idle = f'[ "$({_column(server, SESSIONS)})" = 0 ]'
    late = command("echo", f"{server} still has sessions after {seconds} s")
    return script(*_set_state(server, "drain"), *wait_until(idle, seconds, late), timeout_seconds=seconds + 10)


def undrain(server: str) -> Script:
    """Send the server requests again, once HAProxy's own check finds it up."""
    return script(*_set_state(server, "ready"), timeout_seconds=15)


def wait_until_up(server: str, seconds: int) -> Script:
    """Wait until HAProxy's own check finds the server up."""
    up = f'[ "$({_column(server, STATUS)})" = UP ]'
    late = command("echo", f"HAProxy does not find {server} up after {seconds} s")
    return script(*wait_until(up, seconds, late), timeout_seconds=seconds + 10)
