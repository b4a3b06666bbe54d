"""The key that tegak:operator_key_file names is the one that provisioning, tasks and verification all use."""

import dataclasses
import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from roles.tasks.verify import write_access
from tests.stands.lab import PROJECT, LabStack, lab_settings, lab_stack
from tests.stands.ssh_keys import make_key, ssh_agent

OF_CHECKOUT = ".secrets/operator.pub"


@pytest.fixture(scope="module")
def key(stack: LabStack) -> Path:
    return stack.directory / "kunci tim"


@pytest.fixture(scope="module")
def stack() -> Generator[LabStack, None, None]:
    """A stack of one app host, which lets in a key of its own."""
    with lab_stack("kunci", lab_settings("{name: barat, kind: lab, network: 1, app_hosts: 1}")) as made:
        key = made.directory / "kunci tim"
        make_key(key)
        settings = made.settings.read_text(encoding="utf-8")
        made.settings.write_text(settings.replace(OF_CHECKOUT, f"{key.relative_to(PROJECT)}.pub"), encoding="utf-8")
        made.succeed("pulumi", "stack", "init", made.name)
        made.pulumi_up()
        yield made


def by_openssh(stack: LabStack) -> "subprocess.CompletedProcess[str]":
    """Log in as the suite does."""
    write_access(stack.checkout, stack.inventory())
    argv = ["ssh", "-F", str(stack.checkout.stack_cache / "ssh_config"), "-o", "ControlPath=none", "barat-app-1", "id"]
    return subprocess.run(argv, env=stack.environment, capture_output=True, text=True, check=False)


def is_let_in(stack: LabStack) -> bool:
    """Whether a task gets in, and the suite too."""
    by_task = stack.run("fab", "history", "--stack", stack.name).code == 0
    assert by_task == ("uid=" in by_openssh(stack).stdout)
    return by_task


def test_tasks_and_the_suite_use_the_key_that_the_hosts_were_given(stack: LabStack) -> None:
    assert is_let_in(stack)


def test_a_key_that_others_can_read_is_refused_by_every_way_to_the_hosts(stack: LabStack, key: Path) -> None:
    key.chmod(0o644)
    try:
        said = [stack.fab_fails("status"), stack.fab_fails("verify"), stack.fail("pulumi", "preview", "-s", stack.name)]
    finally:
        key.chmod(0o600)
    for output in said:
        assert f"{key.name} can be read by others on this machine; nothing was changed" in output
        assert f"chmod 600 '{key.relative_to(PROJECT)}'" in output
        assert "Permission denied" not in output


def test_a_key_that_only_an_agent_holds_lets_in(stack: LabStack, key: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    with ssh_agent(tmp_path / "agent") as variables:
        subprocess.check_call(["ssh-add", "-q", str(key)], env={**os.environ, **variables})
        key.rename(aside)
        try:
            assert "is missing, and ssh-agent doesn't have it" in stack.fab_fails("status")
            assert is_let_in(dataclasses.replace(stack, environment={**stack.environment, **variables}))
        finally:
            aside.rename(key)
