"""The virtual environment that set-up makes: whole, once, and anew where it is not what is asked for."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from tests.stands.checkouts import bare_checkout
from tools import environment
from tools.environment import STAMP, UV_LOCK, ensure_environment, ensure_uv
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
    assert ensure_environment(project, Board())
    assert not left.exists()
    assert (project / ".venv/bin/python").exists()
    assert not ensure_environment(project, Board())
    (project / "tegak_is_here.py").touch()
    for locale in ("C", "C.UTF-8"):
        argv = [str(project / ".venv/bin/python"), "-c", "import tegak_is_here"]
        subprocess.check_call(argv, cwd="/", env={**os.environ, "LC_ALL": locale})
    (project / "requirements.lock").write_text("# another\n")
    assert ensure_environment(project, Board())


def test_a_registry_that_is_not_reachable_is_said_and_nothing_passes_for_made(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", NOBODY_LISTENS)
    monkeypatch.setenv("PIP_RETRIES", "1")
    (project / "requirements.lock").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(OperatorError, match="the package registry can't be reached") as error:
        ensure_environment(project, Board())
    assert error.value.next_command == "make setup"
    assert not (project / ".venv" / STAMP).exists()


@pytest.fixture
def six(project: Path) -> Path:
    """A lock with one small package."""
    lines = (environment.PROJECT / "requirements.lock").read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("six=="))
    end = next(number for number in range(begin + 1, len(lines)) if not lines[number].startswith("    --hash"))
    lock = project / "requirements.lock"
    lock.write_text("\n".join([*lines[begin : end - 1], lines[end - 1].rstrip(" \\"), ""]))
    return lock


def imports_six(project: Path) -> bool:
    return subprocess.run([str(project / ".venv/bin/python"), "-c", "import six"], check=False).returncode == 0


@pytest.mark.usefixtures("six")
def test_uv_installs_and_is_fetched_once(project: Path) -> None:
    assert ensure_environment(project, Board())
    assert imports_six(project)
    assert not (project / ".venv/bin/pip").exists()
    uv = ensure_uv(Board())
    assert uv is not None
    assert uv.name.startswith("uv-")
    assert UV_LOCK.exists()


@pytest.mark.usefixtures("six")
@pytest.mark.parametrize("uv", ["can't be run", "can't be had"])
def test_where_uv_does_not_install_pip_does(
    project: Path, uv: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "uv"
    fake.write_text("no program")
    fake.chmod(0o755)

    def found(_: Board) -> Path | None:
        return fake if uv == "can't be run" else None

    monkeypatch.setattr(environment, "ensure_uv", found)
    assert ensure_environment(project, Board())
    assert imports_six(project)
    assert (project / ".venv/bin/pip").exists()


def test_what_has_another_hash_is_installed_by_neither(project: Path, six: Path) -> None:
    six.write_text(re.sub("sha256:[0-9a-f]{8}", "sha256:00000000", six.read_text()))
    with pytest.raises(OperatorError, match="installing the Python packages of"):
        ensure_environment(project, Board())
    assert not imports_six(project)
    assert not (project / ".venv" / STAMP).exists()


def test_a_registry_without_uv_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", NOBODY_LISTENS)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert ensure_uv(Board()) is None
    assert list(tmp_path.rglob("uv-*")) == []
