"""The testinfra suite: what must be true of each host, stated here and nowhere else.

Run by `fab verify`, which writes the inventory and the ssh configuration; with no hosts of a role, it fails.
"""

import json
from pathlib import Path
from typing import cast

import pytest
import testinfra  # pyright: ignore[reportMissingTypeStubs]

from infra.bridge.inventory import Host, Inventory, Role, parse_inventory
from tests.hosts.remote import Remote

ROLE_FIXTURES: dict[str, Role] = {"any_host": "base", "app_host": "app", "lb_host": "lb", "edge_host": "edge"}
CDN_BALANCERS = "cdn_balancer"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--inventory", type=Path, help="the stack's inventory, as JSON")
    parser.addoption("--operator-key", type=Path, help="the public key of those who deploy")
    parser.addoption("--release-key", type=Path, help="the public key that releases and results are signed with")


def read_inventory(config: pytest.Config) -> Inventory:
    file: Path | None = config.getoption("--inventory")
    if file is None:
        raise pytest.UsageError("no hosts to verify: type `fab verify`, or give --inventory and --ssh-config")
    return parse_inventory(json.loads(file.read_bytes()))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if CDN_BALANCERS in metafunc.fixturenames:
        hosts = read_inventory(metafunc.config).cdn_balancers
        skipped = pytest.param(None, marks=pytest.mark.skip(reason="no CDN asks a load balancer of one's own"))
        ids = [host.name for host in hosts] or ["none"]
        metafunc.parametrize("host_entry", hosts or [skipped], ids=ids, scope="session")
    for fixture, role in ROLE_FIXTURES.items():
        if fixture in metafunc.fixturenames:
            found = read_inventory(metafunc.config)
            hosts, missing = found.with_role(role), absent(found)
            if role in missing:
                skipped = pytest.param(None, marks=pytest.mark.skip(reason=missing[role]))
                metafunc.parametrize("host_entry", [skipped], ids=["none"], scope="session")
            else:
                metafunc.parametrize("host_entry", hosts, ids=[host.name for host in hosts], scope="session")


def absent(inventory: Inventory) -> dict[Role, str]:
    """The roles that no host of the stack is meant to have, and why; without hosts of any other role, it fails."""
    why: dict[Role, str] = {}
    if inventory.edge.address is None and not inventory.with_role("edge"):
        why["edge"] = "the edge is a CDN"
    if not inventory.balanced:
        why["lb"] = "no location has a load balancer of its own"
    return why


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> Inventory:
    return read_inventory(pytestconfig)


def read_key(config: pytest.Config, option: str) -> str:
    """Type and text of a public key, without its comment."""
    file: Path | None = config.getoption(option)
    if file is None:
        raise pytest.UsageError(f"{option} is missing: type `fab verify`")
    return " ".join(file.read_text(encoding="ascii").split()[:2])


@pytest.fixture(scope="session")
def operator_key(pytestconfig: pytest.Config) -> str:
    return read_key(pytestconfig, "--operator-key")


@pytest.fixture(scope="session")
def release_key(pytestconfig: pytest.Config) -> str:
    return read_key(pytestconfig, "--release-key")


@pytest.fixture(scope="session")
def any_host(host_entry: Host, pytestconfig: pytest.Config) -> Remote:
    host = testinfra.get_host(f"ssh://{host_entry.name}", ssh_config=pytestconfig.getoption("--ssh-config"))  # pyright: ignore[reportUnknownMemberType]
    return cast("Remote", host)


app_host = lb_host = edge_host = cdn_balancer = any_host
