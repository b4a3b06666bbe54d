"""The lock as a host keeps it: the program and the fence that run there, run here."""

import fcntl
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from roles.on_host import program
from roles.scripts import layout
from roles.scripts.lock import FENCED, fence, release_lock
from roles.scripts.quoting import Script, script
from tests.unit.roles.fleets import entry

HOUR = 3600
FIRST, SECOND = "a", "b"


def ask(
    directory: Path,
    token: str,
    *,
    seconds: float = HOUR,
    take_over: bool = False,
    intent: object = None,
    seen: str | None = None,
) -> dict[str, Any]:
    lock = {"token": token, "expires_unix_s": 0, "intent": intent}
    paths = (layout.LOCK, layout.LOCK_TOKEN, layout.LOCK_MUTEX, layout.LOG, layout.DECISIVE)
    names = [str(directory / path.name) for path in paths]
    request = json.dumps({"lock": lock, "seconds": seconds, "take_over": take_over, "seen": seen})
    argv = [sys.executable, "-c", program("log", "lock_file", "lock_keeper"), *names, "0.2"]
    return json.loads(subprocess.run(argv, input=request, capture_output=True, text=True, check=True).stdout)


def run(directory: Path, text: Script) -> int:
    redirected = text.text.replace(str(layout.OWN), str(directory))
    return subprocess.run(["bash", "-c", redirected], capture_output=True, check=False, timeout=30).returncode


def holder(directory: Path) -> str:
    return (directory / layout.LOCK_TOKEN.name).read_text()


def test_one_takes_it_and_another_is_told_whose_it_is(tmp_path: Path) -> None:
    assert ask(tmp_path, "a")["held"] is None
    assert ask(tmp_path, "b")["held"]["token"] == FIRST
    assert ask(tmp_path, "a")["held"] is None  # renewed
    assert holder(tmp_path) == "a"


def test_an_expired_lock_may_be_taken_and_one_of_a_rollout_never_expires(tmp_path: Path) -> None:
    ask(tmp_path, "a", seconds=-1)
    assert ask(tmp_path, "b", seconds=-1, intent={"id": "x"})["held"] is None
    assert ask(tmp_path, "c")["held"]["token"] == SECOND
    assert ask(tmp_path, "c", take_over=True)["held"] is None
    assert holder(tmp_path) == "c"


def test_it_is_not_taken_for_a_plan_that_does_not_know_the_newest_entry_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / layout.LOG.name
    assert ask(tmp_path, "a", seen="") == {"busy": False, "held": None}
    lines = entry("1", "freeze").line() + entry("2", "unfreeze").line()
    log.write_bytes(lines + '{"half of an é'.encode()[:-1])
    assert ask(tmp_path, "a", seen="1") == {"busy": False, "held": None, "changed": True}
    assert ask(tmp_path, "a", seen="2") == {"busy": False, "held": None}
    assert ask(tmp_path, "a", seen=None) == {"busy": False, "held": None}  # renewed: nobody else can have ended one


def test_a_lock_that_was_half_written_is_none(tmp_path: Path) -> None:
    (tmp_path / layout.LOCK.name).write_text('{"token": "a", "expi')
    assert ask(tmp_path, "b")["held"] is None


def test_it_is_not_taken_while_a_step_runs(tmp_path: Path) -> None:
    ask(tmp_path, "a")
    with (tmp_path / layout.LOCK_MUTEX.name).open("a") as step:
        fcntl.flock(step, fcntl.LOCK_SH)
        assert ask(tmp_path, "b", take_over=True)["busy"] is True
    assert holder(tmp_path) == "a"


def test_only_the_holder_passes_the_fence(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    step = script(f"touch {proof}")
    assert run(tmp_path, fence("a").then(step)) == FENCED
    ask(tmp_path, "a")
    assert run(tmp_path, fence("b").then(step)) == FENCED
    assert not proof.exists()
    assert run(tmp_path, fence("a").then(step)) == 0
    assert proof.exists()


def test_taking_it_over_waits_for_the_step_that_passed_the_fence(tmp_path: Path) -> None:
    ask(tmp_path, "a")
    text = fence("a").then(script("sleep 1")).text.replace(str(layout.OWN), str(tmp_path))
    with subprocess.Popen(["bash", "-c", text]) as step:
        time.sleep(0.3)
        assert ask(tmp_path, "b", take_over=True)["busy"] is True
        step.wait()
    assert ask(tmp_path, "b", take_over=True)["busy"] is False


@pytest.mark.parametrize(("token", "gone"), [("a", True), ("b", False)])
def test_only_ones_own_is_given_back(tmp_path: Path, token: str, *, gone: bool) -> None:
    ask(tmp_path, "a")
    assert run(tmp_path, release_lock(token)) == 0
    assert (tmp_path / layout.LOCK.name).exists() is not gone
