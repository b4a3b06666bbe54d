"""The testinfra suite: what must be true of each host, stated here and nowhere else.

Run by `fab verify`, which writes the inventory and the ssh configuration; with no hosts of a role, it fails.
"""

import json
from pathlib import Path
from typing import cast

import pytest
import testinfra  # pyright: ignore[reportMissingTypeStubs]

from infra.inventory import Host, Inventory, Role, parse_inventory
from tests.hosts.remote import Remote

ROLE_FIXTURES: dict[str, Role] = {"any_host": "base", "app_host": "app", "lb_host": "lb", "edge_host": "edge"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--inventory", type=Path, help="the stack's inventory, as JSON")


def read_inventory(config: pytest.Config) -> Inventory:
    file: Path | None = config.getoption("--inventory")
    if file is None:
        raise pytest.UsageError("no hosts to verify: type `fab verify`, or give --inventory and --ssh-config")
    return parse_inventory(json.loads(file.read_bytes()))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, role in ROLE_FIXTURES.items():
        if fixture in metafunc.fixturenames:
            hosts = read_inventory(metafunc.config).with_role(role)
            metafunc.parametrize("host_entry", hosts, ids=[host.name for host in hosts], scope="session")


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> Inventory:
    return read_inventory(pytestconfig)


@pytest.fixture(scope="session")
def any_host(host_entry: Host, pytestconfig: pytest.Config) -> Remote:
    host = testinfra.get_host(f"ssh://{host_entry.name}", ssh_config=pytestconfig.getoption("--ssh-config"))  # pyright: ignore[reportUnknownMemberType]
    return cast("Remote", host)


app_host = lb_host = edge_host = any_host
