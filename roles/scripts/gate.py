"""Measuring a canary from where requests are divided."""

from functools import cache
from pathlib import Path

from roles.scripts.quoting import Script, command, script

WATCH = Path(__file__).with_name("watch.py")


@cache
def _program() -> str:
    return WATCH.read_text(encoding="utf-8")


def watch_servers(soak_seconds: int) -> Script:
    """Watch servers for some time and print what was seen; standard input says which."""
    return script(command("python3", "-c", _program()), timeout_seconds=soak_seconds + 60)
