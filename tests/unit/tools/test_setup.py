"""What set-up says when it can't go on, and that its next try starts from a clean place."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from tests.lab import PROJECT
from tools import progress, setup
from tools.engine import build

NOBODY_LISTENS = "http://127.0.0.1:9/"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout whose lock file names nothing, so that no registry is asked; its folder's name isn't the easiest."""
    project = tmp_path / "zür (o'neil) 1"
    project.mkdir()
    (project / "requirements.lock").write_text("")
    return project


@contextmanager
def a_small_disk(directory: Path) -> Generator[None, None, None]:
    directory.mkdir()
    subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)])
    try:
        yield
    finally:
        subprocess.check_call(["umount", str(directory)])


def test_the_environment_is_made_once_and_anew_where_it_was_left_half_made_or_the_lock_has_changed(
    project: Path,
) -> None:
    left = project / ".venv/lib/half-made"
    left.mkdir(parents=True)
    assert setup.ensure_environment(project)
    assert not left.exists()
    assert (project / ".venv/bin/python").exists()
    assert not setup.ensure_environment(project)
    (project / "tegak_is_here.py").touch()
    for locale in ("C", "C.UTF-8"):
        argv = [str(project / ".venv/bin/python"), "-c", "import tegak_is_here"]
        subprocess.check_call(argv, cwd="/", env={**os.environ, "LC_ALL": locale})
    (project / "requirements.lock").write_text("# another\n")
    assert setup.ensure_environment(project)


def test_a_registry_that_is_not_reachable_is_said_and_nothing_passes_for_made(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", NOBODY_LISTENS)
    monkeypatch.setenv("PIP_RETRIES", "1")
    (project / "requirements.lock").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(OperatorError, match="the package registry can't be reached") as error:
        setup.ensure_environment(project)
    assert error.value.next_command == "make setup"
    assert not (project / ".venv" / setup.STAMP).exists()


@pytest.mark.parametrize("sign", ["%", "?", "#", ":", '"', "$", "`", "\n", "\\", "\udce4"])
def test_a_folder_that_some_tool_can_not_be_told_is_refused(sign: str) -> None:
    with pytest.raises(OperatorError, match="not every tool can be told") as error:
        setup.check_folder(Path(f"/home/kpu/50{sign}50/tegak"))
    assert error.value.next_command


@pytest.mark.parametrize("name", ["tegak-2", "a b", "zür", "pemilu (2029)", "o'neil", "a,b+c@d=e~_f.g", "印刷"])
def test_a_folder_that_works_is_not_refused(name: str) -> None:
    setup.check_folder(Path("/home") / name)


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    with pytest.raises(OperatorError, match=r"Python 3\.11 or newer is needed"):
        setup.check_python()


def test_a_lost_passphrase_takes_its_salt_along(project: Path) -> None:
    settings = project / "stacks/Pulumi.lokal.yaml"
    settings.parent.mkdir()
    settings.write_text("config: {}\nencryptionsalt: v1:old\n")
    setup.ensure_secrets(project)
    assert settings.read_text() == "config: {}\n"


def test_the_engines_salt_stays_out_of_git(tmp_path: Path) -> None:
    subprocess.check_call(["git", "init", "-q", str(tmp_path)])
    shutil.copy(PROJECT / ".gitattributes", tmp_path)
    settings = tmp_path / "stacks/Pulumi.lokal.yaml"
    settings.parent.mkdir()
    settings.write_text("config: {}\nencryptionsalt: v1:mine\n")
    setup.ensure_salt_filter(tmp_path)
    subprocess.check_call(["git", "-C", str(tmp_path), "add", "."])
    staged = subprocess.check_output(["git", "-C", str(tmp_path), "show", ":stacks/Pulumi.lokal.yaml"], text=True)
    assert staged == "config: {}\n"


@pytest.mark.parametrize(
    ("words", "said", "next_command"),
    [
        ("E: Could not connect to mirror: Connection refused", "the package registry can't be reached", "again"),
        ("ERROR: Could not install packages: No space left on device", "the disk is full", "df -h ."),
        ("one\nthe last words", "the last words", "again"),
        ("", "exit code 3", "again"),
    ],
)
def test_a_failing_command_is_one_sentence(
    words: str, said: str, next_command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OperatorError) as error:
        progress.run(["sh", "-c", f"echo '{words}' >&2; exit 3"], step="installing", next_command="again")
    assert error.value.message == f"installing: {said}"
    assert error.value.next_command == next_command
    assert capsys.readouterr().out == "installing: 0 s\n"


def test_what_is_not_installed_is_said() -> None:
    with pytest.raises(OperatorError, match="installing: 'no-such-command' is not installed"):
        progress.run(["no-such-command"], step="installing", next_command="again")


def test_what_a_command_does_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    progress.run(["sh", "-c", "echo a >&2"], step="building", next_command="again", counted="packages")
    assert "building: 0 s" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "small"), pytest.raises(OperatorError, match="the disk is full"):
        progress.run(
            ["dd", "if=/dev/zero", f"of={tmp_path}/small/file", "bs=128k", "count=1"],
            step="installing",
            next_command="again",
        )


def test_an_engine_without_go_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="nor Go to build it with is on PATH") as error:
        build.build(tmp_path / "cache")
    assert "Go 1.24" in str(error.value.next_command)
    assert not (tmp_path / "cache").exists()
