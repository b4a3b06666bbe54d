"""Whose lock is in force, as the hosts' number changes."""

import datetime as dt
import json
from typing import cast

import pytest

from infra.bridge.inventory import Host
from roles.hosts.connection import Remote
from roles.hosts.fleet import Fleet
from roles.hosts.lock import Lock, LockedError, LockRecord, lock_in_force, new_record
from roles.scripts.quoting import Script
from tests.unit.roles.fleets import OPERATOR, inventory

NOW = dt.datetime(2029, 2, 14, 12, tzinfo=dt.UTC)
SIX, FOURTEEN = inventory([2, 1]), inventory([10, 1])
"""A stack of six hosts, and the same one after a group has grown."""


class Keeper:
    """A host that keeps a lock, in memory."""

    def __init__(self, kept: dict[str, object] | None) -> None:
        self.kept = kept

    def run(self, _step: str, _script: Script, stdin: bytes = b"") -> str:
        if not stdin:  # giving it back
            return ""
        asked = json.loads(stdin)
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
    second.take(take_over=True)
    assert {(keeper.kept or {}).get("token") for keeper in keepers} == {"b"}
    assert {(keeper.kept or {}).get("of_hosts") for keeper in keepers} == {14}


def test_what_a_minority_still_keeps_of_a_rollout_that_ended_is_taken() -> None:
    fleet, keepers = fleet_with(record("a", 14), 5)
    Lock(fleet, FOURTEEN.hosts, record("b", 0), 30).take()
    assert {(keeper.kept or {}).get("token") for keeper in keepers} == {"b"}
