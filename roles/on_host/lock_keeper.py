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
    from typing import TextIO

    from roles.on_host.lock_file import is_live, read_lock  # noqa: TC004  # both stand before this program
    from roles.on_host.log import read_digest  # noqa: TC004


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
            sys.stdout.write(json.dumps({"busy": True, "held": read_lock(lock)}))
            return
        found = read_lock(lock)
        live = found is not None and is_live(found)
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
