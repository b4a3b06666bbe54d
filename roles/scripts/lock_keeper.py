"""Runs on a host, with its own Python and nothing else: takes or renews the stack's lock. See `roles.rollout.lock`.

Standard input: {"lock": {"token", "expires_unix_s", "intent", …}, "seconds", "take_over", "seen"}. `seen` is the id of
the newest entry of this host's audit log that the plan knows of; null if it doesn't matter. Prints {"held": the lock of
somebody else, or null}; {"busy": true} while a step of the holder runs; {"changed": true} if the log has a newer entry.
"""

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO


def read(path: Path) -> "dict[str, Any] | None":
    """The lock that is there; None if there is none, or not a whole one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def newest_entry(audit: Path) -> str:
    """The id of the audit log's last whole line; empty if there is none."""
    lines = audit.read_text(encoding="utf-8").split("\n") if audit.exists() else []
    for line in reversed(lines):
        try:
            return json.loads(line)["id"]
        except (ValueError, KeyError, TypeError):
            continue
    return ""


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all, so that it outlives a power cut."""
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def wait_for_steps(mutex: TextIO, seconds: float) -> bool:
    """Wait until no step is running on this host."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def main() -> None:
    """Answer one request."""
    lock, token, mutex, audit = (Path(word) for word in sys.argv[1:5])
    request = json.load(sys.stdin)
    wanted = request["lock"]
    with mutex.open("a") as held:
        if not wait_for_steps(held, float(sys.argv[5])):
            sys.stdout.write(json.dumps({"busy": True, "held": read(lock)}))
            return
        found = read(lock)
        # A rollout that has not ended never expires: it is resumed, aborted or taken over.
        live = found is not None and (found["expires_unix_s"] > time.time() or found["intent"] is not None)
        if found is not None and live and found["token"] != wanted["token"] and not request["take_over"]:
            sys.stdout.write(json.dumps({"busy": False, "held": found}))
            return
        if request["seen"] is not None and request["seen"] != newest_entry(audit):
            sys.stdout.write(json.dumps({"busy": False, "held": None, "changed": True}))
            return
        wanted["expires_unix_s"] = time.time() + request["seconds"]
        # The lock before its token: with the token alone, a step would find itself allowed by nobody.
        write(lock, json.dumps(wanted))
        write(token, wanted["token"])
        sys.stdout.write(json.dumps({"busy": False, "held": None}))


main()
