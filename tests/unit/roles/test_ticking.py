"""Publishing on the clock, by a clock of the tests' own: when, what is tried again, and who hears of what."""

import datetime as dt
import errno
import socket
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.hosts.audit import Operator
from roles.hosts.lock import Intent, LockedError, new_record
from roles.tasks.results import OlderError
from roles.tasks.ticking import Alert, SystemClock, Ticking, publish_every, read_interval, tell_systemd
from tests.unit.roles.fleets import healthy

NOON = dt.datetime(2029, 2, 14, 12, tzinfo=dt.UTC).timestamp()
QUARTER = 900


class Clock(SystemClock):
    def __init__(self, moment: float) -> None:
        self.moment = moment

    def now(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds


@dataclass
class Stage:
    """A clock, and what happens at each try: an error, or seconds that it takes.

    Args:
        tries: The tries' outcomes, one after the other; what is not there succeeds in a second.
        began: Seconds after noon.
    """

    tries: list[Exception | float] = field(default_factory=list[Exception | float])
    began: float = 0
    at: list[float] = field(default_factory=list[float])
    alerts: list[str] = field(default_factory=list[str])

    def run(self, ticks: int) -> list[float]:
        clock = Clock(NOON + self.began)

        def publish() -> None:
            self.at.append(clock.now() - NOON)
            outcome = self.tries.pop(0) if self.tries else 1.0
            if isinstance(outcome, Exception):
                clock.sleep(1)
                raise outcome
            clock.sleep(outcome)

        Ticking(QUARTER, publish, self.alerts.append, clock).run(ticks)
        return self.at


def test_it_publishes_at_once_and_then_on_the_clock() -> None:
    stage = Stage(began=17)
    assert stage.run(3) == [17, 900, 1800]
    assert stage.alerts == []


def test_what_failed_is_tried_again_sooner_and_ever_later() -> None:
    stage = Stage([OperatorError("x")] * 3)
    assert stage.run(2) == [0, 6, 17, 38, 900]
    assert stage.alerts == []  # it came before it was late


def test_what_is_late_is_told_once_and_once_that_it_is_well_again() -> None:
    stage = Stage([OperatorError("the disk is full")] * 8)
    stage.run(2)
    assert stage.alerts == [
        "publication due at 12:00:00 UTC is late: the disk is full",
        "publication is well again, 12:05:24 UTC",
    ]


def test_a_full_disk_of_this_machine_is_a_failure_like_others() -> None:
    stage = Stage([OSError(errno.ENOSPC, "No space left on device", "dist/x")])
    assert stage.run(1) == [0, 6]


def test_what_fails_until_the_next_tick_gives_way_to_it() -> None:
    stage = Stage([OperatorError("x")] * 30)
    at = stage.run(3)
    assert 900 in at
    assert 1800 in at
    assert all(later - earlier <= 62 for earlier, later in pairwise(at) if later not in {900, 1800})


def test_older_results_are_told_and_not_tried_again_before_the_next_tick() -> None:
    older = OlderError(Path("results"), "they have 1 polling stations, and 2 are shown")
    stage = Stage([older, older])
    assert stage.run(3) == [0, 900, 1800]
    assert stage.alerts[0].startswith("publication refused: results would turn the public's numbers back")
    assert stage.alerts[1].startswith("publication is well again")
    assert len(stage.alerts) == 2


@pytest.mark.parametrize(("seconds", "next_at"), [(899, 900), (901, 901), (2000, 2000)])
def test_one_that_takes_longer_than_the_interval_is_followed_by_one_and_not_by_all_it_missed(
    seconds: float, next_at: float
) -> None:
    stage = Stage([seconds])
    assert stage.run(3)[1:] == [next_at, (next_at // 900 + 1) * 900]
    assert bool(stage.alerts) is (seconds > 900)


def locked(action: str | None) -> LockedError:
    operator, policy = Operator(who="siaga", machine="posko"), healthy().inventory.rollout
    intent = (
        None
        if action is None
        else Intent.model_validate({"id": "1", "action": action, "target": "x", "policy": policy, "hosts": {}})
    )
    return LockedError(new_record(operator, "", dt.datetime.now(dt.UTC), intent))


@pytest.mark.parametrize("action", ["publish", "deploy", None])
def test_somebody_elses_work_is_waited_for(action: str | None) -> None:
    stage = Stage([locked(action)])
    assert stage.run(1) == [0, 6]


@pytest.mark.parametrize(("text", "seconds"), [("15m", 900), ("90s", 90), ("1h", 3600), ("24h", 86400), ("10s", 10)])
def test_intervals(text: str, seconds: int) -> None:
    assert read_interval(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "9s", "0m", "25h", "-1m", "1.5m", "15 m", "15m\n", "999999s", "１５m"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match=r"it is a number and s, m or h, from 10s to 24h"):
        read_interval(text)


def program(path: Path, body: str) -> str:
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return str(path)


def test_an_alert_is_the_last_word_of_the_operators_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = tmp_path / "told"
    command = program(tmp_path / "tell", f"import sys; open({str(told)!r}, 'w').write(repr(sys.argv[1:]))")
    Alert(f"{command} -s 'two words'")("it's late; rm -rf /")
    assert told.read_text() == repr(["-s", "two words", "it's late; rm -rf /"])
    assert "ALERT: it's late" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["/no/such/command", "'", "/bin/false"])
def test_an_alert_that_fails_is_said_and_keeps_nothing_up(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Alert(command)("late")
    assert f"ALERT could not be sent by {command}" in capsys.readouterr().out


@pytest.mark.parametrize("prefix", ["", "@"])
def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(f"\0{address}" if prefix else address)
        monkeypatch.setenv("NOTIFY_SOCKET", f"{prefix}{address}")
        tell_systemd("READY=1")
        assert supervisor.recv(100) == b"READY=1"
    tell_systemd("READY=1")  # nobody is there any more


def test_two_of_one_checkout_are_refused(tmp_path: Path) -> None:
    def second() -> None:
        publish_every(tmp_path, 900, "", lambda: None)

    def first() -> None:
        with pytest.raises(OperatorError, match="another fab publish --every of this checkout is at work"):
            second()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish_every(tmp_path, 900, "", first)
