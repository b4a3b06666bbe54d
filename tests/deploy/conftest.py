from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.stands.lab import SMALL, LabStack, lab_settings, lab_stack

LOCATIONS = tuple(
    f"{{name: {name}, kind: lab, network: {number}, app_hosts: 2}}" for number, name in enumerate(("barat", "timur"), 1)
)
# Short, so that the tests are, with few requests for it; how a canary is watched has tests of its own.
NO_SOAK = "  tegak:rollout: {soak_seconds: 0, gate_error_percent: 5, gate_latency_ms: 150}\n"


def bring_up(stack: LabStack) -> tuple[str, ...]:
    """The command that makes a whole site of it."""
    return ("fab", "up", "--stack", stack.name, "--source", SMALL)


@pytest.fixture(scope="package")
def stack() -> Generator[LabStack, None, None]:
    """A whole site, brought up once by each process that runs tests of it; each test leaves it healthy."""
    with lab_stack("situs", lab_settings(*LOCATIONS) + NO_SOAK) as stack:
        stack.succeed(*bring_up(stack))
        yield stack
        stack.succeed("fab", "down", "--stack", stack.name)


@pytest.fixture(autouse=True)
def _is_left_healthy(stack: LabStack) -> Generator[None, None, None]:  # pyright: ignore[reportUnusedFunction]
    yield
    result = stack.run("fab", "status", "--stack", stack.name)
    if result.code != 0 or "locked by" in result.output:
        # So that the next test says something of its own.
        stack.run("fab", "lock", "--stack", stack.name, "--take-over", "--reason", "a test failed")
        stack.run("fab", "abort", "--stack", stack.name, "--reason", "a test failed")
        stack.run("fab", "unlock", "--stack", stack.name)
        stack.run("fab", "unfreeze", "--stack", stack.name)
        stack.run(*bring_up(stack))
    assert result.code == 0, result.output
    assert "locked by" not in result.output
