"""The testinfra suite never passes for want of something to check."""

import subprocess
import sys
from pathlib import Path

from infra.bridge.inventory import Inventory
from roles.stack.checkout import Checkout
from roles.tasks.verify import write_access
from tests.stands.lab import PROJECT
from tests.unit.roles.three_hosts import inventory


def test_ssh_finds_the_files_of_a_checkout_whatever_its_name(tmp_path: Path) -> None:
    project = tmp_path / "a zür 5%d"
    write_access(Checkout(project, "uji"), inventory())
    argv = ["ssh", "-G", "-F", str(project / ".cache/uji/ssh_config"), "barat-app-1"]
    understood = subprocess.check_output(argv, text=True, encoding="utf-8")
    # ssh shows the one before it has read its own tokens, and the other one afterwards.
    assert f"identityfile {str(project).replace('%', '%%')}/.secrets/operator\n" in understood
    assert f"userknownhostsfile {project}/.cache/uji/known_hosts\n" in understood


def run_suite(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", "tests/hosts", "-p", "no:cacheprovider", *words]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_without_an_inventory_it_fails_with_what_to_type() -> None:
    result = run_suite()
    assert result.returncode != 0
    assert "no hosts to verify: type `fab verify`" in result.stdout + result.stderr


def test_with_no_hosts_it_fails(tmp_path: Path) -> None:
    file = tmp_path / "inventory.json"
    empty = Inventory.model_validate({**inventory().model_dump(by_alias=True), "hosts": []})
    file.write_text(empty.model_dump_json(by_alias=True), encoding="utf-8")
    result = run_suite(f"--inventory={file}", "--ssh-config=/dev/null")
    assert result.returncode != 0
    assert "Empty parameter set" in result.stdout + result.stderr
