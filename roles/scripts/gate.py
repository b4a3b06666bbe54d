"""Measuring a canary from where requests are divided."""

from functools import cache
from pathlib import Path

from roles.scripts.quoting import Script, command, script

ASKING = Path(__file__).with_name("asking.py")
WATCH = Path(__file__).with_name("watch.py")
WATCH_HOST = Path(__file__).with_name("watch_host.py")


@cache
def program(file: Path) -> str:
    """A program that measures, as it is sent to a host: what asks a server stands before it."""
    return "\n".join(part.read_text(encoding="utf-8") for part in (ASKING, file))


def watch_servers(soak_seconds: int) -> Script:
    """Watch servers for some time and print what was seen; standard input says which."""
    return script(command("python3", "-c", program(WATCH)), timeout_seconds=soak_seconds + 60)


def watch_host(soak_seconds: int) -> Script:
    """Watch an app host for some time, ask it, and print what was seen; standard input says how."""
    return script(command("python3", "-c", program(WATCH_HOST)), timeout_seconds=soak_seconds + 60)
