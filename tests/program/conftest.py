from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.program.aws_site import AFTER, HOSTILE_KEY, LONGEST_NAME, NIGHT, OTHER, changed, rehearse_site
from tests.stands.graph import Graph
from tests.stands.lab import LabStack, lab_settings, lab_stack, machine_stack

THREE_HOSTS = "{name: barat, kind: lab, network: 1, app_hosts: 1}"


@pytest.fixture
def stack() -> Generator[LabStack, None, None]:
    """A stack of three hosts: known to the engine, not up yet."""
    with lab_stack("program", lab_settings(THREE_HOSTS)) as stack:
        stack.succeed("pulumi", "stack", "init", stack.name)
        yield stack


@pytest.fixture(scope="module")
def standing() -> Generator[LabStack, None, None]:
    """A stack of three hosts that is up; each test leaves it so."""
    with machine_stack("standing", THREE_HOSTS) as stack:
        yield stack


@pytest.fixture(scope="module")
def shelf() -> Generator[LabStack, None, None]:
    """A stack whose hosts are machines for other stacks: it is up, and no role was ever applied to any."""
    with machine_stack("mesin", "{name: gudang, kind: lab, network: 1, app_hosts: 2}") as stack:
        yield stack


@pytest.fixture
def neighbour() -> Generator[LabStack, None, None]:
    """Another one."""
    with lab_stack("neighbour", lab_settings(THREE_HOSTS)) as stack:
        stack.succeed("pulumi", "stack", "init", stack.name)
        yield stack


@pytest.fixture(scope="session")
def usual() -> Graph:
    """What a site on AWS is made of before the night."""
    return rehearse_site()


@pytest.fixture(scope="session")
def smaller() -> Graph:
    """A site with less of everything, and no machines that one owns."""
    return rehearse_site(changed({"zones": 2, "reserved_units": 0}, {"dnssec": False}, owned=False))


@pytest.fixture(scope="session")
def other() -> Graph:
    """A site with both locations in one region, the longest name, a firewall that blocks and a key that means harm."""
    settings = changed({"name": LONGEST_NAME, "region": OTHER}, {"waf": "block"})
    return rehearse_site(settings, operator_key=HOSTILE_KEY)


@pytest.fixture(scope="session")
def in_the_night() -> Graph:
    """The same, by an `up` in the night."""
    return rehearse_site(now=NIGHT)


@pytest.fixture(scope="session")
def after_the_night() -> Graph:
    """The same, by an `up` after it."""
    return rehearse_site(now=AFTER)
