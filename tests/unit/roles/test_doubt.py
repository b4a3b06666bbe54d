"""What a gate can't tell is the operator's to decide."""

import errno
import io

import pytest
from rich.console import Console
from rich.live import Live

from infra.bridge.inventory import RolloutPolicy
from roles.hosts.connection import HostError
from roles.rollout.gate import DoubtError, settle_doubt
from roles.rollout.progress import LiveReporter, PlainReporter

REASON = "it failed 5 of 720 requests"


class Terminal(io.StringIO):
    """What is typed at a terminal."""

    def isatty(self) -> bool:
        return True


def asked(typed: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> tuple[object, str]:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stdin", typed)
    with Live(console=Console(file=shown, force_terminal=True)) as live:
        return LiveReporter(live).ask("go on?"), shown.getvalue()


@pytest.mark.parametrize(
    ("typed", "answer", "times"),
    [("yes\n", True, 1), ("No\n", False, 1), ("\nperhaps\ny\n", True, 3), ("", None, 1), ("hm\n", None, 2)],
)
def test_an_operator_is_asked_until_the_answer_is_one(
    typed: str,
    answer: object,
    times: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, shown = asked(Terminal(typed), monkeypatch)
    assert said is answer
    assert shown.count("go on?") == times


class Gone(Terminal):
    """A terminal that was closed since."""

    def readline(self, *_: object) -> str:
        raise OSError(errno.EIO, "Input/output error")


def test_a_terminal_that_is_gone_leaves_all_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(Gone(), monkeypatch)[0] is None


def test_nobody_is_asked_who_cannot_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    said, shown = asked(io.StringIO("yes\n"), monkeypatch)
    assert said is None
    assert "go on?" not in shown
    assert PlainReporter().ask("go on?") is None


def settle(policy: RolloutPolicy, *, answer: bool | None) -> list[str]:
    """What is noted, then asked."""
    said: list[str] = []

    def ask(question: str) -> bool | None:
        said.append(question)
        return answer

    settle_doubt("barat-app-1", REASON, policy, said.append, ask)
    return said


def test_yes_goes_on_no_goes_back_and_silence_leaves_all_as_it_is() -> None:
    assert settle(RolloutPolicy(), answer=True) == [
        f"gate: barat-app-1: it can't be told whether it is worse: {REASON}",
        "gate: is barat-app-1 to stay as it is now, and the rollout to go on?",
    ]
    with pytest.raises(HostError, match="gate: the operator goes back: it failed 5 of 720 requests"):
        settle(RolloutPolicy(), answer=False)
    with pytest.raises(DoubtError) as raised:
        settle(RolloutPolicy(), answer=None)
    assert "barat-app-1: gate: it can't be told whether it is worse" in raised.value.message
    assert "the lock is kept" in raised.value.message
    assert "fab resume" in str(raised.value.next_command)


def test_where_nobody_is_to_be_asked_it_is_said() -> None:
    assert settle(RolloutPolicy(gate_in_doubt="go on"), answer=None)[1:] == [
        "gate: the rollout goes on all the same, as was asked for"
    ]
