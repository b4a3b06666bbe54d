"""Writing the log on several hosts: by operators whose clocks differ, at once, where hosts were away."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.hosts.audit import Entry
from roles.hosts.recording import record
from roles.hosts.state import Observation
from tests.unit.roles.fleets import entry, inventory
from tests.unit.roles.local_hosts import LocalStack

FAST = dt.datetime(2029, 2, 14, 15, tzinfo=dt.UTC)


@pytest.fixture
def stack(tmp_path: Path) -> LocalStack:
    return LocalStack.of(inventory([1]), tmp_path)


def write(stack: LocalStack, written: Entry, observed: Observation | None = None) -> Observation:
    record(stack.fleet, observed or stack.observe(), written, {})
    return stack.observe()


def test_who_unfreezes_after_a_freeze_by_a_clock_that_is_ahead_has_unfrozen(stack: LocalStack) -> None:
    assert write(stack, entry("b", "freeze", 9, at=FAST)).log.freeze is not None
    assert write(stack, entry("a", "unfreeze", 1)).log.freeze is None


def test_who_writes_without_having_seen_the_newest_is_put_above_it(stack: LocalStack) -> None:
    before = stack.observe()
    write(stack, entry("b", "mark-bad", release="x"))
    after = write(stack, entry("a", "mark-good", release="x"), before)
    assert after.log.bad == {}
    assert [each.id for each in after.log.entries] == ["b", "a"]
    assert {state.log.order for state in after.states.values()} == {2}


def test_entries_that_two_write_at_once_stand_in_one_order_on_every_host(stack: LocalStack) -> None:
    first, *others = stack.inventory.hosts
    # Each had reached some hosts before the other did.
    for name, ids in ((first.name, ("a", "b")), *((other.name, ("b", "a")) for other in others)):
        lines = {"a": entry("a", "freeze", order=1).line(), "b": entry("b", "unfreeze", order=1).line()}
        stack.hosts[name].directory.mkdir()
        stack.hosts[name].log.write_bytes(b"".join(lines[id_] for id_ in ids))
    observed = stack.observe()
    assert {state.log.decisive[-1].id for state in observed.states.values()} == {"b"}
    assert observed.log.freeze is None


def test_hosts_that_are_made_anew_one_after_another_lose_nothing_decisive(stack: LocalStack) -> None:
    write(stack, entry("1", "deploy", release="x"))
    write(stack, entry("2", "freeze", reason="count"))
    for number, host in enumerate(stack.hosts.values()):
        shutil.rmtree(host.directory)
        write(stack, entry(f"p{number}", "publish", snapshot=f"s{number}"))
    for state in stack.observe().states.values():
        assert {each.id for each in state.log.decisive} == {"1", "2", "p2"}


def test_a_host_that_was_away_gets_what_it_lacks_and_the_others_nothing_twice(stack: LocalStack) -> None:
    away = stack.hosts["edge-1"]
    away.answers = False
    write(stack, entry("1", "mark-bad", release="x"))
    away.answers = True
    write(stack, entry("2", "publish", snapshot="s"))
    assert [line.count(b"\n") for line in (host.log.read_bytes() for host in stack.hosts.values())] == [2, 2, 2]
    assert away.state().log.decisive[0].release == "x"


def test_lines_that_are_no_entries_are_told_of_their_host_and_nobody_else(stack: LocalStack) -> None:
    write(stack, entry("1", "freeze"))
    with stack.hosts["edge-1"].log.open("ab") as log:
        log.write(b'half of a line\n{"id":"')
    observed = write(stack, entry("2", "publish", snapshot="s"))
    said = "edge-1: lines in /var/lib/tegak/audit.jsonl that are no entries, and count for nothing: 2"
    assert observed.refused_lines == [said]
    assert observed.log.freeze is not None


def test_an_entry_that_few_hosts_took_is_an_error_that_says_why(stack: LocalStack) -> None:
    for name in ("edge-1", "barat-app-1"):
        stack.hosts[name].answers = False
    with pytest.raises(OperatorError, match="the log needs more than half of 3 hosts"):
        write(stack, entry("1", "freeze"))
