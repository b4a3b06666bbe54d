import json

from hypothesis import given
from hypothesis import strategies as st

from roles.hosts.audit import Log
from tests.unit.roles.fleets import OPERATOR, entry


def log(*entries: object) -> Log:
    return Log(entries)


def deploy(release: str, minute: int, action: str = "deploy", result: str = "ok") -> object:
    return json.loads(entry(f"{minute}", action, minute, release=release, result=result).line())


def test_a_rollback_goes_back_down_and_failures_do_not_count() -> None:
    known = log(deploy("a", 1), deploy("b", 2), deploy("c", 3, result="undone"), deploy("d", 4))
    assert known.releases == ["a", "b", "d"]
    assert log(deploy("a", 1), deploy("b", 2), deploy("a", 3, "rollback")).releases == ["a"]
    assert log(deploy("a", 1), deploy("b", 2), deploy("b", 3)).releases == ["a", "b"]
    assert log().release is None


def test_the_same_line_of_several_hosts_counts_once_and_garbage_never() -> None:
    assert len(log(deploy("a", 1), deploy("a", 1), {"id": 3}, "nonsense", None).entries) == 1


def test_the_newest_freeze_or_unfreeze_is_in_force() -> None:
    freeze, thaw = entry("1", "freeze", 1, reason="count"), entry("2", "unfreeze", 2)
    frozen = log(json.loads(freeze.line())).freeze
    assert frozen is not None
    assert frozen.reason == "count"
    assert log(json.loads(thaw.line()), json.loads(freeze.line())).freeze is None


def test_a_release_is_bad_until_it_is_marked_good() -> None:
    bad, good = entry("1", "mark-bad", 1, release="a", reason="sums"), entry("2", "mark-good", 2, release="a")
    assert log(json.loads(bad.line())).bad == {"a": "sums"}
    assert log(json.loads(bad.line()), json.loads(good.line())).bad == {}


def test_a_location_is_drained_until_it_is_undrained() -> None:
    out, back = entry("1", "drain-location", 1, location="barat"), entry("2", "undrain-location", 2, location="barat")
    assert log(json.loads(out.line())).drained_locations == {"barat"}
    assert log(json.loads(out.line()), json.loads(back.line())).drained_locations == set()


def test_what_is_published_is_the_newest_that_succeeded() -> None:
    first = entry("1", "publish", 1, snapshot="x")
    second = entry("2", "publish", 2, snapshot="y", result="undone")
    assert log(json.loads(first.line()), json.loads(second.line())).snapshot == "x"


@given(st.text(max_size=10_000))
def test_an_entry_is_one_line_whatever_its_reason_holds(reason: str) -> None:
    reason = reason.encode(errors="ignore").decode()
    line = entry("1", "deploy", reason=reason).line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    (read,) = log(json.loads(line)).entries
    assert read.reason == reason
    assert read.operator == OPERATOR
