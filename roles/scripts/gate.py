"""Measuring a canary from where requests are divided."""

from roles.on_host import program
from roles.scripts.quoting import Script, command, script


def watch_servers(soak_seconds: int) -> Script:
    """Ask an HAProxy's servers for some time and print what was seen; standard input says which and what."""
    return script(command("python3", "-c", program("asking", "watch")), timeout_seconds=soak_seconds + 60)


def watch_host(soak_seconds: int) -> Script:
    """Let an app host ask itself for some time and print what was seen; standard input says what."""
    return script(command("python3", "-c", program("asking", "watch_host")), timeout_seconds=soak_seconds + 60)
