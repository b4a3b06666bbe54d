"""What the operator sees while a task works, and when it can't go on."""

import errno
import time
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.hosts.fleet import Fleet
from roles.terminal import INTERRUPTED, operator_command, working
from tests.unit.roles.three_hosts import inventory


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (OperatorError("it broke", next_command="fab status", exit_code=3), 3, "error: it broke\nnext: fab status\n"),
        (OperatorError("it broke"), 1, "error: it broke\n"),
        (OSError(errno.ENOSPC, "No space left on device", "dist/x"), 1, "error: No space left on device: dist/x\n"),
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


def test_what_says_little_is_seen_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("roles.terminal.WORKING_EVERY_SECONDS", 0.02)
    with working("publishing"):
        time.sleep(0.2)
    assert capsys.readouterr().out.startswith("publishing: 0 s\npublishing: 0 s\n")


def test_a_missing_operators_key_is_said_before_any_host_is_asked(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="the operators' key") as error:
        Fleet.of(inventory(), tmp_path / "operator")
    assert error.value.next_command
