"""Runs on a host, with its own Python and nothing else: prints as JSON what the host has. It writes nothing.

Standard input: the paths to look at, and how many of the log's newest lines are wanted. Arguments: what systemd says of
the units, and openssl of the certificate. `roles.hosts.state` reads what it prints. Every host runs it at the beginning
of every task, and importing was half of its time: it does without `pathlib`, `typing`, `shutil` and `subprocess`, and
starts no process of its own.
"""

import grp
import hashlib
import json
import os
import pwd
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from roles.on_host.lock_file import is_live, read_lock, text_of  # noqa: TC004  # both stand before this program
    from roles.on_host.log import newest_entries, read_digest  # noqa: TC004

TIMEOUT_SECONDS = 3
COMPLETE = ".complete"
LONGEST_LINE = 65536
FIRST_FORMAT = 1
"""Of a snapshot that doesn't say which it has, and what a release reads that doesn't say so: there was one."""


def link_target(link: str) -> "str | None":
    """The name of the directory that a link points at; None if there is none."""
    return os.path.basename(os.path.realpath(link)) if os.path.isdir(link) else None


def names(directory: str) -> "list[str]":
    """What is in a directory; nothing if there is none."""
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def complete(directory: str) -> "list[str]":
    """The names of the complete directories in a directory."""
    places = [(name, f"{directory}/{name}") for name in names(directory)]
    return [name for name, place in places if os.path.exists(f"{place}/{COMPLETE}") and not os.path.islink(place)]


def said_in(path: str, name: str, otherwise: object) -> object:
    """What a file of JSON says; something else where it says nothing, or can't be read."""
    try:
        return json.loads(text_of(path)).get(name, otherwise)
    except (ValueError, AttributeError):
        return otherwise


def newest_archived(index: str) -> "str | None":
    """The snapshot that the public archive's index names first; None where there is none. It has a line for each."""
    try:
        with open(index, encoding="utf-8") as opened:
            opened.readline()
            return str(json.loads(opened.readline(LONGEST_LINE).strip().removesuffix(","))["nama"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def lock_in(file: str) -> "dict[str, Any] | None":
    """The lock that is kept; None if there is none, or it has ended."""
    lock = read_lock(file)
    return lock if lock is not None and is_live(lock) else None


def log_of(path: str, beside: str, wanted: "dict[str, Any]") -> "dict[str, Any]":
    """What the audit log says: what is decisive in it, and as many of its newest entries as are wanted."""
    digest = read_digest(path, beside)
    return {
        "decisive": digest.entries(),
        "newest": newest_entries(path, wanted["newest"], details=wanted["details"]),
        "newest_id": digest.newest,
        "order": digest.order,
        "refused": digest.refused,
    }


def answer(path: str) -> "str | None":
    """The body of the host's own answer; None if there is none, or it is an error."""
    # By hand: importing an HTTP client takes longer than all that a probe does.
    try:
        with socket.create_connection(("127.0.0.1", 80), TIMEOUT_SECONDS) as link:
            link.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: link.recv(65536), b"")).partition(b"\r\n\r\n")
    except OSError:
        return None
    return body.decode() if head.split(b" ", 2)[1:2] == [b"200"] else None


def units(printed: str) -> "dict[str, dict[str, str]]":
    """Whether units run, and how often systemd had to start them again by itself."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in printed.strip().split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def fingerprint(path: str) -> str:
    """sha256, mode, owner and group of a file; empty if there is none."""
    try:
        with open(path, "rb") as opened:
            digest = hashlib.sha256(opened.read()).hexdigest()
        stat = os.stat(path)
        return f"{digest} {stat.st_mode & 0o7777:o} {pwd.getpwuid(stat.st_uid)[0]} {grp.getgrgid(stat.st_gid)[0]}"
    except (OSError, KeyError):
        return ""


def certificate_seconds(printed: str) -> "float | None":
    """How long a certificate lasts; None if there is none."""
    if not printed:
        return None
    end = time.mktime(time.strptime(printed.removeprefix("notAfter=").removesuffix(" GMT"), "%b %d %H:%M:%S %Y"))
    return end - time.timezone - time.time()


def free_bytes(directory: str) -> int:
    """What is free on its file system to whoever is not root."""
    statistics = os.statvfs(directory)
    return statistics.f_bavail * statistics.f_frsize


def writable(directory: str) -> bool:
    """Whether its file system takes writes; nothing is written to find out."""
    return not os.statvfs(directory).f_flag & os.ST_RDONLY


def main() -> None:
    """Print what the host has."""
    asked = json.load(sys.stdin)
    paths = asked["paths"]
    ready = answer("/healthz") if asked["answers"] else None
    version = ready or (answer("/version") if asked["answers"] else None)
    disk = next(path for path in (paths["own"], "/var/lib") if os.path.exists(path))
    known = units(sys.argv[1])
    managed = text_of(paths["managed"]).splitlines()
    document = {
        "release": link_target(paths["current_release"]),
        "reads": said_in(f"{paths['current_release']}/release.json", "reads", [FIRST_FORMAT]),
        "releases": complete(paths["releases"]),
        "snapshot": link_target(paths["current_snapshot"]),
        "snapshot_format": said_in(f"{paths['current_snapshot']}/snapshot.json", "format", FIRST_FORMAT),
        "snapshots": complete(paths["snapshots"]),
        "shown": os.readlink(paths["shown"]) if os.path.islink(paths["shown"]) else None,
        "archived": newest_archived(paths["archive"]),
        "ready": ready is not None,
        "altered": text_of(paths["altered"]),
        "running_release": json.loads(version)["release"] if version else None,
        "units": {unit: block.get("ActiveState") == "active" for unit, block in known.items()},
        "restarts": int(known.get(asked["service"], {}).get("NRestarts") or 0),
        "files": {path: fingerprint(path) for path in managed},
        "pending": names(paths["pending"]),
        "managed": managed,
        "rollouts": names(paths["rollouts"]),
        "log": log_of(paths["log"], paths["decisive"], asked["log"]),
        "lock": lock_in(paths["lock"]),
        "free_bytes": free_bytes(disk),
        "writable": writable(disk) and writable("/etc"),
        "unix_s": time.time(),
        "python": ".".join(str(part) for part in sys.version_info[:2]),
        "certificate_s": certificate_seconds(sys.argv[2]),
    }
    sys.stdout.write(json.dumps(document))


main()
