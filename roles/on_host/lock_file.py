"""Runs on a host, before the programs that take the stack's lock or say which there is: the lock that a host keeps."""

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def text_of(path: str) -> str:
    """What a file says; empty if there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as opened:
        return opened.read()


def read_lock(path: str) -> "dict[str, Any] | None":
    """The lock that is there; None if there is none, or not a whole one."""
    try:
        return json.loads(text_of(path))
    except (OSError, ValueError):
        return None


def is_live(lock: "dict[str, Any]") -> bool:
    """Whether it keeps others out, by this host's clock.

    That of a rollout that has not ended never expires: it is resumed, aborted or taken over.
    """
    return lock.get("intent") is not None or lock.get("expires_unix_s", 0) > time.time()
