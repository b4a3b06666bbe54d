from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.lab import LabStack, lab_settings, lab_stack, machine_stack
from tests.program.aws import AwsRecorder, make
from tests.program.mocks import recording

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


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Generator[AwsRecorder, None, None]:
    """Stands in for the engine and AWS."""
    with recording(AwsRecorder(), monkeypatch) as recorder:
        yield recorder


@pytest.fixture(scope="session")
def usual() -> AwsRecorder:
    """What is made of the usual settings, before the night; made once, to be looked at only."""
    with pytest.MonkeyPatch.context() as monkeypatch, recording(AwsRecorder(), monkeypatch) as recorder:
        make()
    return recorder
