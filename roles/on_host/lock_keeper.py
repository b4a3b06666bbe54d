"""Runs on a host, with its own Python and nothing else: takes or renews the stack's lock. See `roles.hosts.lock`.

Standard input: {"lock": {"token", "expires_unix_s", "intent", …}, "seconds", "take_over", "seen"}. `seen` is the id of
the last entry in this host's audit log that the plan knows of; null if it doesn't matter. Prints {"held": the lock of
somebody else, or null}; {"busy": true} while a step of the holder runs; {"changed": true} if the log has a newer entry.
Where `lock` is null, it only says so of whatever lock there is, and takes none.

It does without `pathlib` and `typing`: importing them takes longer than all that it does.
"""

import fcntl
import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from roles.on_host.log import read_digest  # noqa: TC004  # it stands before this program


def text_of(path: str) -> str:
    """What a file says; empty if there is none."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as opened:
        return opened.read()


def read(path: str) -> "dict[str, Any] | None":
    """The lock that is there; None if there is none, or not a whole one."""
    try:
        return json.loads(text_of(path))
    except (OSError, ValueError):
        return None


def write(path: str, text: str) -> None:
    """Write a file whole or not at all, so that it outlives a power cut."""
    new = f"{path}.new"
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def wait_for_steps(mutex: "TextIO", seconds: float) -> bool:
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
    lock, token, mutex, log, beside = sys.argv[1:6]
    request = json.load(sys.stdin)
    wanted = request["lock"]
    with open(mutex, "a", encoding="utf-8") as held:
        if not wait_for_steps(held, float(sys.argv[6])):
            sys.stdout.write(json.dumps({"busy": True, "held": read(lock)}))
            return
        found = read(lock)
        # A rollout that has not ended never expires: it is resumed, aborted or taken over.
        live = found is not None and (found["expires_unix_s"] > time.time() or found["intent"] is not None)
        changed = request["seen"] is not None and request["seen"] != read_digest(log, beside).newest
        if wanted is None:
            sys.stdout.write(json.dumps({"busy": False, "held": found if live else None, "changed": changed}))
            return
        if found is not None and live and found["token"] != wanted["token"] and not request["take_over"]:
            sys.stdout.write(json.dumps({"busy": False, "held": found}))
            return
        if changed:
            sys.stdout.write(json.dumps({"busy": False, "held": None, "changed": True}))
            return
        wanted["expires_unix_s"] = time.time() + request["seconds"]
        # The lock before its token: with the token alone, a step would find itself allowed by nobody.
        write(lock, json.dumps(wanted))
        write(token, wanted["token"])
        sys.stdout.write(json.dumps({"busy": False, "held": None}))


main()
