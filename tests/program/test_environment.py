"""The virtual environment that set-up makes: whole, once, and anew where it is not what is asked for."""

import os
import subprocess
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from tests.stands.checkouts import bare_checkout
from tools import setup
from tools.progress import Board

NOBODY_LISTENS = "http://127.0.0.1:9/"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return bare_checkout(tmp_path)


def test_the_environment_is_made_once_and_anew_where_it_was_left_half_made_or_the_lock_has_changed(
    project: Path,
) -> None:
    left = project / ".venv/lib/half-made"
    left.mkdir(parents=True)
    assert setup.ensure_environment(project, Board())
    assert not left.exists()
    assert (project / ".venv/bin/python").exists()
    assert not setup.ensure_environment(project, Board())
    (project / "tegak_is_here.py").touch()
    for locale in ("C", "C.UTF-8"):
        argv = [str(project / ".venv/bin/python"), "-c", "import tegak_is_here"]
        subprocess.check_call(argv, cwd="/", env={**os.environ, "LC_ALL": locale})
    (project / "requirements.lock").write_text("# another\n")
    assert setup.ensure_environment(project, Board())


def test_a_registry_that_is_not_reachable_is_said_and_nothing_passes_for_made(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", NOBODY_LISTENS)
    monkeypatch.setenv("PIP_RETRIES", "1")
    (project / "requirements.lock").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(OperatorError, match="the package registry can't be reached") as error:
        setup.ensure_environment(project, Board())
    assert error.value.next_command == "make setup"
    assert not (project / ".venv" / setup.STAMP).exists()
