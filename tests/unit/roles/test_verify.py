"""The testinfra suite never passes for want of something to check."""

import subprocess
import sys
from pathlib import Path

from infra.bridge.inventory import Inventory
from tests.lab import PROJECT
from tests.unit.roles.three_hosts import inventory


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
