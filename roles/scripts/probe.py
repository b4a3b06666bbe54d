"""Runs on a host, with its own Python and nothing else: prints as JSON what the host has. It writes nothing.

Standard input: the paths and units to look at. See `roles.state`, which is what reads it.
"""

import grp
import hashlib
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 3
NEWEST_ENTRIES = 1000


def link_target(link: Path) -> "str | None":
    """The name of the directory that a link points at; None if there is none."""
    return link.resolve().name if link.is_dir() else None


def complete(directory: Path) -> "list[str]":
    """The names of the complete directories in a directory."""
    return sorted(path.parent.name for path in directory.glob("*/.complete") if not path.parent.is_symlink())


def lines(file: Path) -> "list[Any]":
    """The newest lines of a file of JSON lines that are whole."""
    entries: list[Any] = []
    for line in file.read_text(encoding="utf-8").split("\n")[-NEWEST_ENTRIES:] if file.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


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


def units(names: "list[str]") -> "dict[str, dict[str, str]]":
    """Whether units run, and how often systemd had to start them again by itself."""
    argv = ["systemctl", "show", "--property", "Id,ActiveState,NRestarts", *names]
    printed = subprocess.run(argv, check=False, capture_output=True, text=True).stdout
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in printed.strip().split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def fingerprint(path: Path) -> str:
    """sha256, mode, owner and group of a file; empty if there is none."""
    try:
        stat = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{digest} {stat.st_mode & 0o7777:o} {pwd.getpwuid(stat.st_uid)[0]} {grp.getgrgid(stat.st_gid)[0]}"
    except (OSError, KeyError):
        return ""


def certificate_seconds(path: Path) -> "float | None":
    """How long a certificate lasts; None if there is none."""
    argv = ["openssl", "x509", "-noout", "-enddate", "-in", str(path)]
    if not path.exists() or shutil.which("openssl") is None:
        return None
    printed = subprocess.run(argv, check=False, capture_output=True, text=True).stdout.strip()
    end = time.mktime(time.strptime(printed.removeprefix("notAfter=").removesuffix(" GMT"), "%b %d %H:%M:%S %Y"))
    return end - time.timezone - time.time()


def writable(directory: Path) -> bool:
    """Whether its file system takes writes; nothing is written to find out."""
    return not os.statvfs(directory).f_flag & os.ST_RDONLY


def main() -> None:
    """Print what the host has."""
    asked = json.load(sys.stdin)
    paths = {name: Path(path) for name, path in asked["paths"].items()}
    version = answer("/version") if asked["answers"] else None
    disk = next(path for path in (paths["own"], Path("/var/lib")) if path.exists())
    managed = paths["managed"]
    ends = (certificate_seconds(paths[name]) for name in ("edge_certificate", "origin_certificate"))
    known = units([*asked["units"], asked["service"]])
    document = {
        "release": link_target(paths["current_release"]),
        "releases": complete(paths["releases"]),
        "snapshot": link_target(paths["current_snapshot"]),
        "snapshots": complete(paths["snapshots"]),
        "ready": bool(asked["answers"]) and answer("/healthz") is not None,
        "running_release": json.loads(version)["release"] if version else None,
        "units": {unit: known.get(unit, {}).get("ActiveState") == "active" for unit in asked["units"]},
        "restarts": int(known.get(asked["service"], {}).get("NRestarts") or 0),
        "files": {path: fingerprint(Path(path)) for path in asked["files"]},
        "pending": sorted(path.name for path in paths["pending"].glob("*")),
        "managed": managed.read_text(encoding="utf-8").splitlines() if managed.exists() else [],
        "rollouts": sorted(path.name for path in paths["rollouts"].glob("*")),
        "audit": lines(paths["audit"]),
        "lock": next(iter(lines(paths["lock"])), None),
        "free_bytes": shutil.disk_usage(disk).free,
        "writable": writable(disk) and writable(Path("/etc")),
        "unix_s": time.time(),
        "python": ".".join(str(part) for part in sys.version_info[:2]),
        "certificate_s": next((end for end in ends if end is not None), None),
    }
    sys.stdout.write(json.dumps(document))


main()
