"""Measuring a canary from where requests are divided."""

from roles.on_host import program
from roles.scripts.quoting import Script, command, script


def watch_servers(soak_seconds: int) -> Script:
    """Watch servers for some time and print what was seen; standard input says which."""
    return script(command("python3", "-c", program("asking", "watch")), timeout_seconds=soak_seconds + 60)


def watch_host(soak_seconds: int) -> Script:
    """Watch an app host for some time, ask it, and print what was seen; standard input says how."""
    return script(command("python3", "-c", program("asking", "watch_host")), timeout_seconds=soak_seconds + 60)
