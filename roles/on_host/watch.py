"""Runs on a host with HAProxy, with its own Python and nothing else: measures some servers against the others.

Standard input and output are described at `roles.rollout.gate`. Errors are HAProxy's own counters; latencies are those
of its newest answers, kept in a ring. Servers that had too few requests to judge are asked some.
"""

import contextlib
import csv
import json
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # on the host it stands before this program (see `roles.scripts.gate`)
    from roles.on_host.asking import probe  # noqa: TC004

TIMEOUT_SECONDS = 5
ERRORS = ("hrsp_5xx", "econ", "eresp", "wretr", "wredis")
"""Counted even where the client never saw it, because another server was asked."""


def ask(path: str, question: str) -> str:
    """Put a question to HAProxy's admin socket."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(TIMEOUT_SECONDS)
        link.connect(path)
        link.sendall(f"{question}\n".encode())
        return b"".join(iter(lambda: link.recv(65536), b"")).decode(errors="replace")


def counters(asked: "dict[str, Any]") -> "dict[str, dict[str, Any]]":
    """Requests, errors and HAProxy's opinion of each server."""
    table = ask(asked["socket"], "show stat").removeprefix("# ").splitlines()
    rows = (row for row in csv.DictReader(table) if row["pxname"] == asked["backend"])
    return {
        row["svname"]: {
            "requests": int(row["stot"] or 0),
            "errors": sum(int(row[name] or 0) for name in ERRORS),
            "up": row["status"].startswith(("UP", "no check")),
        }
        for row in rows
    }


def latencies(asked: "dict[str, Any]", since: float) -> "dict[str, list[int]]":
    """Milliseconds of each server's newest answers."""
    found: dict[str, list[int]] = {}
    for line in ask(asked["socket"], f"show events {asked['ring']}").splitlines():
        with contextlib.suppress(ValueError):
            moment, server, _, milliseconds = line.split()[-4:]
            if int(moment) >= int(since) and int(milliseconds) >= 0:
                found.setdefault(server, []).append(int(milliseconds))
    return found


def address(asked: dict[str, Any], server: str) -> tuple[str, int]:
    """Where a server listens, as HAProxy has it."""
    _, header, *lines = ask(asked["socket"], f"show servers state {asked['backend']}").splitlines()
    rows = (dict(zip(header.removeprefix("# ").split(), line.split(), strict=False)) for line in lines)
    found = next(row for row in rows if row.get("srv_name") == server)
    return found["srv_addr"], int(found["srv_port"])


def group(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Several servers together."""
    taken = sorted(value for part in parts for value in part["milliseconds"])
    p95 = taken[min(len(taken) - 1, len(taken) * 95 // 100)] if taken else None
    sums = {name: sum(part[name] for part in parts) for name in ("requests", "errors")}
    return {**sums, "p95_ms": p95}


def main() -> None:
    """Watch, then print what was seen."""
    asked = json.load(sys.stdin)
    started, before = time.time(), counters(asked)
    time.sleep(asked["soak_seconds"])
    after, taken = counters(asked), latencies(asked, started)
    seen: dict[str, dict[str, Any]] = {}
    for name in [*asked["canaries"], *asked["others"]]:
        since = {key: after[name][key] - before[name][key] for key in ("requests", "errors")}
        seen[name] = {**since, "milliseconds": taken.get(name, [])}
    enough = sum(int(seen[name]["requests"]) for name in asked["canaries"]) >= asked["requests"]
    if not enough:
        for name, real in seen.items():
            asked_directly = probe(*address(asked, name), asked["requests"], asked["pages"])
            seen[name] = {**asked_directly, **{key: asked_directly[key] + real[key] for key in ("requests", "errors")}}
    now = counters(asked)
    document = {
        "canary": group([seen[name] for name in asked["canaries"]]),
        "others": group([seen[name] for name in asked["others"]]),
        "down": [name for name in asked["canaries"] if not now[name]["up"]],
        "synthetic": not enough,
    }
    sys.stdout.write(json.dumps(document))


main()
