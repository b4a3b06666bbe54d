"""Whose lock is in force, as the hosts' number changes."""

import datetime as dt
import json
from typing import cast

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.connection import Remote
from roles.hosts.fleet import Fleet
from roles.hosts.lock import LockedError, LockRecord, lock_in_force, new_record
from roles.hosts.locking import Answers, Lock, LockAnswer, Refused, Taken, decide
from roles.scripts.quoting import Script
from tests.unit.roles.fleets import OPERATOR, inventory

NOW = dt.datetime(2029, 2, 14, 12, tzinfo=dt.UTC)
SIX, FOURTEEN = inventory([2, 1]), inventory([10, 1])
"""A stack of six hosts, and the same one after a group has grown."""


class Keeper:
    """A host that keeps a lock, in memory."""

    def __init__(self, kept: dict[str, object] | None) -> None:
        self.kept = kept
        self.busy = False
        self.questions_until_busy: int | None = None

    def is_busy_after_one_question(self) -> None:
        """A step of the holder begins once it has been asked."""
        self.questions_until_busy = 1

    def run(self, _step: str, _script: Script, stdin: bytes = b"") -> str:
        if not stdin:  # giving it back
            return ""
        asked = json.loads(stdin)
        if self.questions_until_busy is not None:
            self.busy = self.questions_until_busy == 0
            self.questions_until_busy = max(0, self.questions_until_busy - 1)
        if asked["lock"] is None:
            return json.dumps({"busy": self.busy, "held": self.kept})
        if self.busy:
            return json.dumps({"busy": True, "held": self.kept})
        theirs = self.kept if self.kept and self.kept["token"] != asked["lock"]["token"] else None
        if theirs is None or asked["take_over"]:
            self.kept, theirs = asked["lock"], None
        return json.dumps({"busy": False, "held": theirs})


def record(token: str, of_hosts: int) -> LockRecord:
    return new_record(OPERATOR, "", NOW).model_copy(update={"token": token, "of_hosts": of_hosts})


def fleet_with(first: LockRecord, count: int) -> tuple[Fleet, list[Keeper]]:
    """The grown stack, of which so many hosts keep the first one's lock."""
    keepers = [Keeper(first.model_dump(mode="json") if number < count else None) for number in range(14)]
    hosts: tuple[Host, ...] = FOURTEEN.hosts
    remotes = {host.name: cast("Remote", keeper) for host, keeper in zip(hosts, keepers, strict=True)}
    return Fleet(FOURTEEN, remotes), keepers


def test_a_lock_taken_by_few_stays_in_force_when_the_stack_has_grown() -> None:
    documents = [record("a", 6).model_dump(mode="json")] * 5
    assert lock_in_force(documents, SIX)
    assert lock_in_force(documents, FOURTEEN)
    assert not lock_in_force(documents[:3], FOURTEEN)
    assert not lock_in_force([record("a", 14).model_dump(mode="json")] * 5, FOURTEEN)


def test_a_lock_taken_by_many_stays_in_force_when_the_stack_has_shrunk() -> None:
    assert lock_in_force([record("a", 14).model_dump(mode="json")] * 4, SIX)
    assert not lock_in_force([record("a", 14).model_dump(mode="json")] * 3, SIX)


def test_nobody_takes_a_lock_that_is_in_force_though_most_hosts_are_new() -> None:
    fleet, keepers = fleet_with(record("a", 6), 5)
    second = Lock(fleet, FOURTEEN.hosts, record("b", 0), 30)
    with pytest.raises(LockedError):
        second.take()
    assert {(keeper.kept or {}).get("token") for keeper in keepers[:5]} == {"a"}
    second.take_over()
    assert {(keeper.kept or {}).get("token") for keeper in keepers} == {"b"}
    assert {(keeper.kept or {}).get("of_hosts") for keeper in keepers} == {14}


def test_what_a_minority_still_keeps_of_a_rollout_that_ended_is_taken() -> None:
    fleet, keepers = fleet_with(record("a", 14), 5)
    Lock(fleet, FOURTEEN.hosts, record("b", 0), 30).take()
    assert {(keeper.kept or {}).get("token") for keeper in keepers} == {"b"}


@pytest.mark.parametrize("busy", [1, 9])
def test_a_take_over_that_is_refused_leaves_the_lock_with_its_holder_on_every_host(busy: int) -> None:
    fleet, keepers = fleet_with(record("a", 14), 14)
    for keeper in keepers[:busy]:
        keeper.busy = True
    with pytest.raises(OperatorError, match=r"a step is still running on .*nothing was changed") as caught:
        Lock(fleet, FOURTEEN.hosts, record("b", 0), 30).take_over()
    assert "its holder has the lock" in caught.value.message
    assert {(keeper.kept or {}).get("token") for keeper in keepers} == {"a"}


def test_a_step_that_begins_during_a_take_over_is_told_with_who_has_the_lock_then() -> None:
    fleet, keepers = fleet_with(record("a", 14), 14)
    keepers[0].is_busy_after_one_question()
    with pytest.raises(OperatorError, match="a step is still running on barat-lb-1; the lock is yours, with what its"):
        Lock(fleet, FOURTEEN.hosts, record("b", 0), 30).take_over()
    assert {(keeper.kept or {}).get("token") for keeper in keepers[1:]} == {"b"}


def test_a_take_over_that_too_few_hosts_could_follow_changes_nothing() -> None:
    fleet, keepers = fleet_with(record("a", 14), 14)
    with pytest.raises(OperatorError, match="more than half of 14 hosts, and 7 answer; nothing was changed"):
        Lock(fleet, FOURTEEN.hosts[:7], record("b", 0), 30).take_over()
    assert {(keeper.kept or {}).get("token") for keeper in keepers} == {"a"}


UNREADABLE = {"token": "z"}
"""The lock of another version of this project."""


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"a": LockAnswer(), "b": LockAnswer()}, Taken([])),
        ({"a": LockAnswer(), "b": LockAnswer(held=UNREADABLE)}, "b keeps a lock that nobody here can read"),
        ({"a": LockAnswer(), "b": LockAnswer(busy=True)}, "a step is still running on b; the lock was not taken"),
        ({"a": LockAnswer(), "b": LockAnswer(changed=True)}, "another rollout has ended since"),
        ({"a": LockAnswer(), "b": OperatorError("b is away")}, "more than half of 2 hosts, and 1 took it: b is away"),
    ],
)
def test_what_the_hosts_answer_decides(answers: Answers, said: Taken | str) -> None:
    two = FOURTEEN.model_copy(update={"hosts": FOURTEEN.hosts[:2]})
    decision = decide(answers, two)
    if isinstance(said, Taken):
        assert decision == said
    else:
        assert isinstance(decision, Refused)
        assert said in decision.error.message
