"""What set-up says when it can't go on, and that its next try starts from a clean place."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from tests.stands.checkouts import bare_checkout
from tests.stands.lab import PROJECT
from tests.stands.waiting import until
from tools import setup
from tools.engine import build
from tools.progress import Board


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return bare_checkout(tmp_path)


def test_byte_code_is_kept_whatever_the_environment_and_the_loader_of_tasks_say() -> None:
    program = (
        "import sys; sys.argv = ['fab', '--list']; from fabric.main import program\n"
        "program.run(exit=False); sys.exit(sys.dont_write_bytecode)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for code in ("import sys; sys.exit(sys.dont_write_bytecode)", program):
        argv = [sys.executable, "-c", code]
        assert subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, check=False).returncode == 0


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


class Steps:
    """Stands in for what set-up is made of: it notes what was done, and refuses what it is told to."""

    PARTS = ((setup, "ensure_system_packages"), (setup, "ensure_checkout"), (setup, "ensure_image"), (build, "ensure"))

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *refused: str) -> None:
        self.done: list[str] = []
        self._refused = refused
        for module, name in self.PARTS:
            monkeypatch.setattr(module, name, self._do(name))
        monkeypatch.setattr(build, "install_wrappers", self._do("install_wrappers"))

    def _do(self, name: str) -> Callable[..., None]:
        def do(*_: object, **__: object) -> None:
            if name in self._refused:
                raise OperatorError(f"no {name}", next_command=f"mend {name}")
            self.done.append(name)

        return do


def test_what_fails_beside_the_rest_is_told_once_each_and_ends_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(monkeypatch, "ensure_checkout", "ensure")
    assert setup.main(["engine", "image"]) == 1
    reports = capsys.readouterr().err
    assert sorted(reports.split("error: ")[1:]) == [
        "no ensure\nnext: mend ensure\n",
        "no ensure_checkout\nnext: mend ensure_checkout\n",
    ]
    assert sorted(steps.done) == ["ensure_image", "ensure_system_packages"]


def test_what_waits_for_something_that_failed_is_not_tried_and_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(monkeypatch, "ensure_system_packages")
    assert setup.main(["engine", "image"]) == 1
    assert capsys.readouterr().err == "error: no ensure_system_packages\nnext: mend ensure_system_packages\n"
    assert steps.done == ["ensure"]


@pytest.mark.parametrize(
    ("wanted", "more"), [([], []), (["engine"], ["ensure", "install_wrappers"]), (["image"], ["ensure_image"])]
)
def test_only_what_is_wanted_is_made(monkeypatch: pytest.MonkeyPatch, wanted: list[str], more: list[str]) -> None:
    steps = Steps(monkeypatch)
    assert setup.main(wanted) == 0
    assert sorted(steps.done) == sorted(["ensure_system_packages", "ensure_checkout", *more])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_set_up_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    pids = tmp_path / "pids"
    # As on a terminal: who starts these tests in the background has children that ignore an interrupt.
    program = (
        "import signal, sys; [signal.signal(number, signal.SIG_DFL) for number in (1, 15)]\n"
        "signal.signal(2, signal.default_int_handler)\n"
        "from tools import setup; from tools.engine import build\n"
        f"wait = ['sh', '-c', 'sh -c \"echo \\\\$\\\\$ >> {pids}; exec sleep 60\"; true']\n"
        "setup.ensure_system_packages = lambda *_: None\n"
        "setup.ensure_checkout = lambda _, board, **__: board.run(wait, step='one', next_command='again')\n"
        "build.ensure = lambda *_: setup.ensure_checkout(*_[1:3])\n"
        "sys.exit(setup.main(['engine']))\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=-1, stderr=-1, text=True)
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    running.send_signal(number)
    _, errors = running.communicate(timeout=10)
    assert errors == "error: set-up was interrupted; what is done so far is kept\nnext: make engine\n"
    assert running.returncode == 130
    assert not [pid for pid in pids.read_text().split() if Path(f"/proc/{pid}").exists()]


def test_a_second_set_up_in_a_checkout_waits_for_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tools").mkdir()
    file = tmp_path / "tools/setup.py"
    file.touch()
    made: list[Path] = []

    def make(project: Path, board: Board, **_: object) -> bool:
        assert board
        made.append(project)
        return True

    monkeypatch.setattr(setup, "ensure_environment", make)
    with ThreadPoolExecutor() as pool:
        with file.open() as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            second = pool.submit(setup.ensure_checkout, tmp_path, Board())
            until(lambda: "waiting for another one" in capsys.readouterr().out)
            assert made == []
        second.result(timeout=10)
    assert made == [tmp_path]
