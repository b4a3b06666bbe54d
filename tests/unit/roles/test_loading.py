"""The loader's process: it reads at once, builds when it is told of what, and ends with whoever started it."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from app.loader.announcement import NOTHING
from infra.bridge.errors import OperatorError
from roles.artefacts.loading import Loader
from roles.artefacts.snapshot import ensure_snapshot
from roles.stack.checkout import Checkout
from tests.stands.lab import PROJECT, SMALL

TASKS = ("results", "archiving", "ticking", "status")
INTERRUPTED = 130


def children() -> set[str]:
    """This process's, those that have ended and are not waited for among them."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


def test_a_loader_that_is_told_nothing_builds_nothing() -> None:
    argv = [sys.executable, "-m", "app.loader", str(PROJECT / SMALL)]
    done = subprocess.run(argv, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")


def test_what_cannot_be_read_is_said_before_anybody_tells_it_anything(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "app.loader", str(tmp_path)]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert "election.toml: there is no such file" in json.loads(done.stdout)["problems"]
    with Loader(Checkout(PROJECT, ""), tmp_path, allow_errors=False) as loader:
        loader._process.wait()  # pyright: ignore[reportPrivateUsage]  # so that there is nobody to be told
        with pytest.raises(OperatorError, match=r"election\.toml: there is no such file"):
            loader.build(tmp_path / "built", [], None)


def test_it_ends_with_whoever_started_it() -> None:
    before = children()
    with suppress(KeyboardInterrupt), Loader(Checkout(PROJECT, ""), PROJECT / SMALL, allow_errors=False):
        assert children() - before
        raise KeyboardInterrupt
    assert children() <= before


def test_one_that_reads_already_builds_the_same(tmp_path: Path) -> None:
    found: list[str] = []
    for name in ("early", "late"):
        checkout = Checkout(tmp_path / name, "")
        checkout.project.mkdir()
        for part in ("app", ".secrets"):
            (checkout.project / part).symlink_to(PROJECT / part)
        loader = Loader(checkout, PROJECT / SMALL, allow_errors=False) if name == "early" else None
        snapshot = ensure_snapshot(checkout, PROJECT / SMALL, None, announcement=NOTHING, loader=loader)
        assert snapshot.facts
        found.append(snapshot.facts.content)
    assert found[0] == found[1]


def test_tasks_do_without_the_libraries_that_tables_take() -> None:
    imports = "; ".join(f"import roles.tasks.{name}" for name in TASKS)
    code = f"import sys; {imports}; print({{'polars', 'numpy', 'pulumi', 'boto3'}} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=PROJECT, text=True) == "set()\n"
