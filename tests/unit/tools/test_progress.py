"""What an operator sees of long work, and that nothing of it outlives them."""

import io
import os
import re
import subprocess
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from tools import progress
from tools.progress import Board


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screens(written: str) -> list[list[str]]:
    """What stood on the terminal after each time that something was written."""
    lines: list[str] = []
    seen: list[list[str]] = []
    for up, text in re.findall(r"(?:\x1b\[(\d+)F\x1b\[J)?((?:[^\x1b\n]*\n)*)", written):
        lines = lines[: len(lines) - int(up or 0)] + text.splitlines()
        seen.append(lines)
    return seen


def without_seconds(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+ s", "_ s", line) for line in lines]


@contextmanager
def a_small_disk(directory: Path) -> Generator[None, None, None]:
    directory.mkdir()
    subprocess.check_call(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)])
    try:
        yield
    finally:
        subprocess.check_call(["umount", str(directory)])


@pytest.mark.parametrize(
    ("words", "said", "next_command"),
    [
        (
            "E: Could not connect to mirror: Connection refused",
            "installing: the package registry can't be reached",
            "again",
        ),
        ("ERROR: Could not install packages: No space left on device", "installing: the disk is full", "df -h ."),
        ("one\nthe last words", "installing: the last words", "again"),
        ("", "installing: exit code 3", "again"),
        ("noise\nerror: no mirror is reachable\nnext: apt-get update", "no mirror is reachable", "apt-get update"),
        ("error: no mirror is reachable", "no mirror is reachable", "again"),
    ],
)
def test_a_failing_command_is_one_sentence(
    words: str, said: str, next_command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OperatorError) as error:
        Board().run(["sh", "-c", f"echo '{words}' >&2; exit 3"], step="installing", next_command="again")
    assert error.value.message == said
    assert error.value.next_command == next_command
    assert capsys.readouterr().out == "installing: 0 s\ninstalling: 0 s, failed\n"


def test_what_is_not_installed_is_said() -> None:
    with pytest.raises(OperatorError, match="installing: 'no-such-command' is not installed"):
        Board().run(["no-such-command"], step="installing", next_command="again")


def test_what_a_command_does_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["sh", "-c", "printf 'go: fetching c\na\nb\n' >&2"]
    Board().run(argv, step="building", next_command="again", counted="packages", remarks="go: ")
    assert capsys.readouterr().out.endswith("building: 0 s, 2 packages, done\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "small"), pytest.raises(OperatorError, match="the disk is full"):
        Board().run(
            ["dd", "if=/dev/zero", f"of={tmp_path}/small/file", "bs=128k", "count=1"],
            step="installing",
            next_command="again",
        )


def run_two(output: io.StringIO, tmp_path: Path) -> None:
    """Two commands, of which neither ends before both have begun, and the second ends last."""
    board = Board(output)
    one = f"touch {tmp_path}/1; until [ -e {tmp_path}/2 ]; do sleep 0.01; done; sleep 0.3"
    two = f"touch {tmp_path}/2; until [ -e {tmp_path}/done ]; do sleep 0.01; done"
    with ThreadPoolExecutor() as pool:
        first = pool.submit(board.run, ["sh", "-c", one], step="engine: building", next_command="again")
        second = pool.submit(board.run, ["sh", "-c", two], step="lab: the image", next_command="again")
        first.result(timeout=10)
        (tmp_path / "done").touch()
        second.result(timeout=10)


def test_a_terminal_shows_what_is_under_way_below_what_is_done(tmp_path: Path) -> None:
    terminal = Terminal()
    run_two(terminal, tmp_path)
    seen = [without_seconds(lines) for lines in screens(terminal.getvalue())]
    assert sorted(max(seen, key=len)) == ["engine: building: _ s", "lab: the image: _ s"]
    assert ["engine: building: _ s, done", "lab: the image: _ s"] in seen
    assert seen[-1] == ["engine: building: _ s, done", "lab: the image: _ s, done"]


def test_a_log_has_a_line_for_each_begin_and_end(tmp_path: Path) -> None:
    log = io.StringIO()
    run_two(log, tmp_path)
    lines = without_seconds(log.getvalue().splitlines())
    assert sorted(lines[:2]) == ["engine: building: _ s", "lab: the image: _ s"]
    assert lines[2:] == ["engine: building: _ s, done", "lab: the image: _ s, done"]


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_SECONDS", 0.3)
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.01)
    log = io.StringIO()
    Board(log).run(["sleep", "0.5"], step="building", next_command="again")
    assert without_seconds(log.getvalue().splitlines()) == ["building: _ s", "building: _ s", "building: _ s, done"]


def test_a_line_never_gets_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    Board(terminal).run(["true"], step="set-up: " + "a long story " * 9, next_command="again")
    lines = [line for screen in screens(terminal.getvalue()) for line in screen]
    assert {len(line) for line in lines} == {40}
    assert lines[-1].endswith("…: 0 s, done")


@pytest.mark.parametrize("deaf", [False, True])
def test_an_interrupted_command_is_ended_with_all_it_started(
    *, deaf: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "ENDING", [(number, 0.2) for number, _ in progress.ENDING])
    board = Board(io.StringIO())
    script = f"{'trap : INT TERM;' if deaf else ''} sleep 60 & echo $! > {tmp_path}/pid; wait; wait; sleep 60"
    interrupting = threading.Timer(0.3, board.interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        board.run(["sh", "-c", script], step="installing", next_command="again")
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():  # its new parent has yet to hear of its end
        assert time.monotonic() < deadline
        time.sleep(0.01)
