"""What the operator sees while a task works, and when it can't go on."""

import errno
import re
import time

import pytest
from rich.text import Text

from infra.bridge.errors import OperatorError
from roles.terminal import INTERRUPTED, operator_command, show_table, working


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (OperatorError("it broke", next_command="fab status", exit_code=3), 3, "error: it broke\nnext: fab status\n"),
        (OperatorError("it broke"), 1, "error: it broke\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "dist/x y"),
            1,
            "error: No space left on device: dist/x y\nnext: df -h dist\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "dist/x y"),
            1,
            "error: Permission denied: dist/x y\nnext: ls -ld 'dist/x y'\n",
        ),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset"), 1, "error: Connection reset\nnext: fab status\n"),
        (
            KeyboardInterrupt(),
            130,
            INTERRUPTED,
        ),
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(
    raised: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @operator_command
    def task() -> None:
        raise raised

    with pytest.raises(SystemExit) as ended:
        task()
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith(said)


HOSTS = [f"{place}-app-{number}" for place in ("jakarta", "surabaya", "kementerian-pusat") for number in range(1, 13)]
SAID = "host health jakarta-app-1 load balancer doesn't say [why] it is so"
HEADERS = ("location", "host", "role", "release", "snapshot", "health")


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 160, None])
def test_no_width_of_a_terminal_makes_two_hosts_look_alike(
    columns: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if columns is not None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(columns))
    release, snapshot = "1.0.0-3daa788602", "20190706T164010Z-7c30f0f134"
    health = "runs another release than 1.0.0-3daa788603"
    show_table(HEADERS, [(host[:-6], host, "app", release, snapshot, Text(health)) for host in HOSTS])
    said = capsys.readouterr().out
    assert "…" not in said
    for host in HOSTS:
        assert re.search(rf"\b{host}\b", said)
    assert said.count(release) == said.count(snapshot) == len(HOSTS)
    if columns is None:
        assert len(said.splitlines()) == 1 + len(HOSTS)


def test_what_the_last_column_says_is_wrapped_and_not_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    show_table(("host", "health"), [("jakarta-app-1", "load balancer doesn't say [why] it is so")])
    assert re.sub(r"(\x1b\[\d*m|\s)+", " ", capsys.readouterr().out).strip() == SAID


def test_what_says_little_is_seen_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("roles.terminal.WORKING_EVERY_SECONDS", 0.02)
    with working("publishing"):
        time.sleep(0.2)
    assert capsys.readouterr().out.startswith("publishing: 0 s\npublishing: 0 s\n")
