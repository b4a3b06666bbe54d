"""Measuring a canary from where requests are divided."""

from functools import cache
from pathlib import Path

from roles.scripts.quoting import Script, command, script

WATCH = Path(__file__).with_name("watch.py")
WATCH_HOST = Path(__file__).with_name("watch_host.py")


@cache
def _program(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def watch_servers(soak_seconds: int) -> Script:
    """Watch servers for some time and print what was seen; standard input says which."""
    return script(command("python3", "-c", _program(WATCH)), timeout_seconds=soak_seconds + 60)


def watch_host(soak_seconds: int) -> Script:
    """Watch an app host for some time, ask it, and print what was seen; standard input says how."""
    return script(command("python3", "-c", _program(WATCH_HOST)), timeout_seconds=soak_seconds + 60)
