"""Who gets requests: the app hosts at their location's load balancer, the locations at the edges."""

from collections.abc import Iterator

from infra.bridge.inventory import Host, Inventory
from roles.aws.targets import ServerState, read_states
from roles.hosts.fleet import Fleet
from roles.scripts import pool as scripts
from roles.scripts.layout import APP_HOSTS, LOCATIONS

RUNNING = 2
"""SRV_ST_RUNNING of HAProxy's management guide, `show servers state`."""

OUT_OF_POOL = 0x01 | 0x08
"""SRV_ADMF_FMAINT and SRV_ADMF_FDRAIN: taken out by us; health is another matter."""

DRAIN_SECONDS = 30
"""Longer than HAProxy waits for an answer (4 s, three times)."""

UP_SECONDS = 20


def read_app_pool(fleet: Fleet, balancer: Host) -> dict[str, ServerState]:
    """What a load balancer says of its app hosts; nothing while it isn't configured.

    Raises:
        HostError: It doesn't answer.
    """
    return dict(read_servers(fleet[balancer].run("reading the pool", scripts.show_servers(APP_HOSTS))))


def read_location_pool(fleet: Fleet, edge: Host) -> dict[str, ServerState]:
    """What an edge says of the locations; nothing while it isn't configured.

    Raises:
        HostError: It doesn't answer.
    """
    return dict(read_servers(fleet[edge].run("reading the locations", scripts.show_servers(LOCATIONS))))


def read_group_pool(inventory: Inventory, location: str) -> dict[str, ServerState]:
    """What the load balancer of a group says of its hosts.

    Raises:
        OperatorError: AWS refuses, or doesn't answer.
    """
    place = next(place for place in inventory.groups if place.name == location)
    states = read_states(place)
    hosts = inventory.with_role("app", location)
    return {host.name: states.get(str(host.address), "drained") for host in hosts}


def read_servers(table: str) -> Iterator[tuple[str, ServerState]]:
    """Read HAProxy's `show servers state`: a version line, a header after a hash, a line for each server."""
    lines = table.strip().splitlines()
    if len(lines) < 2:  # noqa: PLR2004  # HAProxy doesn't run, or has no such backend
        return
    columns = lines[1].removeprefix("# ").split()
    for line in lines[2:]:
        row = dict(zip(columns, line.split(), strict=False))
        if int(row["srv_admin_state"]) & OUT_OF_POOL:
            yield row["srv_name"], "drained"
        else:
            yield row["srv_name"], "up" if int(row["srv_op_state"]) == RUNNING else "down"
