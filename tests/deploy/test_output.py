"""Whoever listens to a rollout may leave: it goes on."""

from pathlib import Path

import pytest

from roles.command_line import OUTPUT_LOST
from tests.deploy.sources import release_of
from tests.lab import LabStack


@pytest.mark.parametrize(
    ("version", "listener", "code"),
    [
        ("9.1", "| head -2", 0),
        ("9.2", "2>&1 | head -2", 0),
        ("9.3", "> /dev/full 2>&1", OUTPUT_LOST),
        ("9.4", ">&- 2>&-", 0),
    ],
    ids=["reader leaves", "readers leave", "disk full", "closed"],
)
def test_a_deploy_that_nobody_listens_to_ends_and_leaves_the_site_healthy(
    stack: LabStack, tmp_path: Path, version: str, listener: str, code: int
) -> None:
    release = release_of(tmp_path, version, lambda _: None).name
    result = stack.shell(f"fab deploy --stack {stack.name} --release {release} {listener}")
    assert result.code == code, result.output
    assert len(result.output.splitlines()) <= 2
    assert stack.fab("status").count(release) == len(stack.inventory().with_role("app"))


def test_a_table_of_hosts_that_is_cut_short_is_no_error(stack: LabStack) -> None:
    result = stack.shell(f"fab status --stack {stack.name} 2>&1 | head -2")
    assert result.code == 0, result.output
    assert len(result.output.splitlines()) == 2
    assert result.output.startswith("location")
