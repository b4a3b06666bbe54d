"""Runs on a host with HAProxy, with its own Python and nothing else: asks some of its servers, and it about them.

Standard input and output are described at `roles.rollout.gate`.
"""

import csv
import json
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # on the host it stands before this program (see `roles.scripts.gate`)
    from roles.on_host.asking import addresses, ask_all  # noqa: TC004

TIMEOUT_SECONDS = 5


def question(path: str, words: str) -> str:
    """Put a question to HAProxy's admin socket."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(TIMEOUT_SECONDS)
        link.connect(path)
        link.sendall(f"{words}\n".encode())
        return b"".join(iter(lambda: link.recv(65536), b"")).decode(errors="replace")


def found_up(asked: "dict[str, Any]") -> "set[str]":
    """The servers that HAProxy's own check finds up."""
    table = question(asked["socket"], "show stat").removeprefix("# ").splitlines()
    rows = (row for row in csv.DictReader(table) if row["pxname"] == asked["backend"])
    return {row["svname"] for row in rows if row["status"].startswith(("UP", "no check"))}


def places_of(asked: "dict[str, Any]") -> "dict[str, tuple[str, int]]":
    """Where the servers listen, as HAProxy has it: the others first, which are asked for the names of regions."""
    _, header, *lines = question(asked["socket"], f"show servers state {asked['backend']}").splitlines()
    rows = (dict(zip(header.removeprefix("# ").split(), line.split(), strict=False)) for line in lines)
    known = {row["srv_name"]: (row["srv_addr"], int(row["srv_port"])) for row in rows if "srv_port" in row}
    return {name: known[name] for name in [*asked["others"], *asked["canaries"]]}


def main() -> None:
    """Ask, then print what was seen."""
    asked = json.load(sys.stdin)
    places = places_of(asked)
    answers = ask_all(asked, places, addresses(asked, list(places.values())))
    up = found_up(asked)
    down = [name for name in asked["canaries"] if name not in up]
    sys.stdout.write(json.dumps({"answers": answers, "down": down}))


main()
