from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.lab import SMALL, LabStack, lab_stack

SETTINGS = """config:
  tegak:network: 198.18.16.0/20
  tegak:server_name: hasil.uji.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:locations:
    - {name: barat, kind: lab, network: 1, app_hosts: 2}
    - {name: timur, kind: lab, network: 2, app_hosts: 2}
  # Short, so that the tests are; how a canary is watched has tests of its own.
  tegak:rollout: {soak_seconds: 0}
"""


UP = ("fab", "up", "--stack", "uji", "--source", SMALL)


@pytest.fixture(scope="session")
def stack() -> Generator[LabStack, None, None]:
    """A whole site, brought up once; each test leaves it healthy."""
    with lab_stack("uji", SETTINGS) as stack:
        stack.succeed(*UP)
        yield stack
        stack.succeed("fab", "down", "--stack", stack.name)


@pytest.fixture(autouse=True)
def _is_left_healthy(stack: LabStack) -> Generator[None, None, None]:  # pyright: ignore[reportUnusedFunction]
    yield
    result = stack.run("fab", "status", "--stack", stack.name)
    if result.code != 0 or "locked by" in result.output:
        # So that the next test says something of its own.
        stack.run("fab", "lock", "--stack", stack.name, "--take-over", "--reason", "a test failed")
        stack.run("fab", "unlock", "--stack", stack.name)
        stack.run("fab", "unfreeze", "--stack", stack.name)
        stack.run(*UP)
    assert result.code == 0, result.output
    assert "locked by" not in result.output
