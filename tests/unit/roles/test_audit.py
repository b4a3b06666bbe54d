"""What the log says: whatever the hosts, the clocks and the order of arrival."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roles.hosts.audit import DETAILS, Action, Entry, HostLog, Log, Operator, Result, StepTime, merged
from roles.on_host.log import NEEDED, TYPES, Digest, document_of
from tests.thorough import examples
from tests.unit.roles.fleets import OPERATOR, entry, host_log

RELEASES, LOCATIONS = ("a", "b", "c", "d"), ("barat", "timur")
ORDERED: tuple[Action, ...] = ("deploy", "rollback", "configure", "publish", "certificate", "freeze", "unfreeze")
ACTIONS: tuple[Action, ...] = (
    *ORDERED,
    "mark-bad",
    "mark-good",
    "lock",
    "unlock",
    "drain-location",
    "undrain-location",
)
RESULTS: tuple[Result, ...] = ("ok", "ok", "ok", "undone", "left", "aborted")


def deploy(release: str, minute: int, action: str = "deploy", **fields: object) -> Entry:
    return entry(f"{minute}", action, minute, release=release, **fields)


def test_a_rollback_goes_back_down_and_failures_do_not_count() -> None:
    known = Log([deploy("a", 1), deploy("b", 2), deploy("c", 3, result="undone"), deploy("d", 4)])
    assert known.releases == ["a", "b", "d"]
    assert known.above("a") == ("b", "d")
    assert Log([deploy("a", 1), deploy("b", 2), deploy("a", 3, "rollback", dropped=("b",))]).releases == ["a"]
    assert Log([deploy("a", 1), deploy("b", 2), deploy("b", 3)]).releases == ["a", "b"]
    assert Log([]).release is None


def test_only_a_deploy_or_rollback_that_succeeded_activates_a_release() -> None:
    others = [
        entry("2", "mark-bad", 2, release="a"),
        entry("3", "mark-good", 3, release="a"),
        entry("4", "configure", 4, release="a"),
        deploy("a", 5, result="undone"),
        deploy("b", 6, result="left"),
    ]
    assert {name: found.id for name, found in Log([deploy("a", 1), *others]).activated.items()} == {"a": "1"}


def test_the_newest_freeze_or_unfreeze_is_in_force_whatever_the_clocks_say() -> None:
    fast = dt.datetime(2029, 2, 14, 15, tzinfo=dt.UTC)
    freeze, thaw = entry("z", "freeze", order=1, at=fast, reason="count"), entry("a", "unfreeze", 2)
    frozen = Log([freeze]).freeze
    assert frozen is not None
    assert frozen.reason == "count"
    assert Log([thaw, freeze]).freeze is None


def test_a_release_is_bad_until_it_is_marked_good() -> None:
    bad, good = entry("1", "mark-bad", 1, release="a", reason="sums"), entry("2", "mark-good", 2, release="a")
    assert Log([bad]).bad == {"a": "sums"}
    assert Log([bad, good]).bad == {}


def test_a_location_is_drained_until_it_is_undrained() -> None:
    out, back = entry("1", "drain-location", 1, location="barat"), entry("2", "undrain-location", 2, location="barat")
    assert Log([out]).drained_locations == {"barat"}
    assert Log([out, back]).drained_locations == set()


def test_what_is_published_is_the_newest_that_succeeded() -> None:
    second = entry("2", "publish", 2, snapshot="y", result="undone")
    assert Log([entry("1", "publish", 1, snapshot="x"), second]).snapshot == "x"


def test_an_entry_that_was_written_again_counts_once_and_as_the_last_time() -> None:
    first, again = entry("1", "freeze", order=3), entry("1", "freeze", order=7)
    full = entry("2", "publish", 4, snapshot="x", hosts={"app-1": "ok"})
    short = full.model_copy(update={"hosts": {}})
    assert merged([first, again, first, short, full, short]) == [full, again]


@given(st.text(max_size=1000))
@example("one\u2028two\u0085three\u2029four\r\n\vfive")
def test_an_entry_is_one_line_whatever_its_reason_holds(reason: str) -> None:
    line = entry("1", "deploy", reason=(reason := reason.encode(errors="ignore").decode())).line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    (read,) = host_log(Entry.model_validate_json(line)).decisive
    assert read.reason == reason
    assert read.operator == OPERATOR


Said = tuple[list[str], dict[str, str], str | None, str | None, set[str]]


def said(log: Log) -> Said:
    """All that is read from a log."""
    return log.releases, log.bad, log.snapshot, log.freeze.id if log.freeze else None, log.drained_locations


def told(entries: Sequence[Entry]) -> Said:
    """The same, as one would tell it who reads the whole log from its beginning to its end."""
    bad: dict[str, str] = {}
    drained: set[str] = set()
    snapshot, freeze = None, None
    for each in (each for each in entries if each.result == "ok"):
        match each.action, each.release or each.location or "":
            case "mark-bad", name:
                bad[name] = each.reason
            case "mark-good", name:
                bad.pop(name, None)
            case "drain-location", name:
                drained.add(name)
            case "undrain-location", name:
                drained.discard(name)
            case "freeze" | "unfreeze", _:
                freeze = each.id if each.action == "freeze" else None
            case "publish", _:
                snapshot = each.snapshot
            case _:
                continue
    return good_releases(entries), bad, snapshot, freeze, drained


def good_releases(entries: Sequence[Entry]) -> list[str]:
    stack: list[str] = []
    for each in entries:
        if each.action not in {"deploy", "rollback"} or each.result != "ok" or each.release is None:
            continue
        if each.action == "rollback" and each.release in stack:
            del stack[stack.index(each.release) + 1 :]
        stack = [name for name in stack if name != each.release] + [each.release]
    return stack


@st.composite
def nights(draw: st.DrawFn) -> list[Entry]:
    """What operators write one after another, each by a clock of their own."""
    written: list[Entry] = []
    for order in range(1, draw(st.integers(0, 20)) + 1):
        action = draw(st.sampled_from(ACTIONS))
        about = {"deploy": "release", "rollback": "release", "configure": "release", "publish": "snapshot"}
        about |= {"mark-bad": "release", "mark-good": "release", "drain-location": "location"}
        field = about.get(action, "location" if action == "undrain-location" else "")
        name = draw(st.sampled_from(LOCATIONS if field == "location" else RELEASES))
        at = dt.datetime(2029, 2, 14, tzinfo=dt.UTC) + dt.timedelta(hours=draw(st.integers(-9, 9)))
        more: dict[str, object] = {field: name} if field else {}
        if action == "rollback":
            more["dropped"] = Log(written).above(name)
        result = draw(st.sampled_from(RESULTS)) if action in {"deploy", "rollback", "publish"} else "ok"
        id_ = draw(st.uuids()).hex
        written.append(entry(id_, action, 0, order=order, at=at, result=result, reason=f"{order}", **more))
    return written


@examples(50)
@given(nights(), st.data())
def test_any_hosts_together_say_what_the_whole_log_does(written: list[Entry], data: st.DataObject) -> None:
    hosts = data.draw(st.integers(1, 5))
    having = [data.draw(st.sets(st.integers(0, hosts - 1), min_size=1)) for _ in written]
    logs = [
        host_log(
            *data.draw(st.permutations([e for e, having_it in zip(written, having, strict=True) if n in having_it]))
        )
        for n in range(hosts)
    ]
    together = Log(each for log in data.draw(st.permutations(logs)) for each in log.decisive)
    assert said(together) == told(written)
    assert together.activated == Log(written).activated
    assert max(log.order for log in logs) == len(written)
    # A host that is made anew from what is decisive says the same again.
    assert said(Log(host_log(*together.entries).decisive)) == told(written)


def test_what_is_decisive_does_not_grow_with_what_is_published() -> None:
    digest = Digest()
    for each in (deploy("a", 1), entry("2", "freeze", 2)):
        digest.take(each.line())
    sizes: set[int] = set()
    for order in range(3, 2000):
        digest.take(entry(f"{order}", "publish", order=order, snapshot=f"{order}").line())
        sizes.add(len(digest.entries()))
    assert sizes == {3}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEAR_MISSES: dict[str, tuple[object, ...]] = {
    "at": (
        "2029-02-30T12:00:00Z",
        "2029-02-14T12:00:00",
        "20290214T120000Z",
        "2029-W07-3T12:00:00Z",
        "2029-02-14",
        "now",
    ),
    "operator": ({"who": "siti"}, {"who": "siti", "machine": 1}, {"who": "siti", "machine": "meja", "more": 1}, {}),
    "order": (-1, True, 1.5),
    "seconds": (-1, float("nan"), float("inf"), 10**400, True),
    "dropped": ("c", [1], [None], ["\ud800"]),
    "reason": ("\ud800",),
    "id": ("",),
}


@examples(100)
@given(st.sampled_from([*TYPES, "hosts", "steps", "more"]), json_values)
def test_nothing_that_a_host_takes_for_decisive_is_refused_later(name: str, value: object) -> None:
    document = taken({**deploy("b", 2, "rollback", dropped=("c",)).model_dump(mode="json"), name: value})
    if document is not None:
        kept = {field: content for field, content in document.items() if field not in DETAILS}
        known = kept["action"] in ACTIONS and kept["result"] in RESULTS
        assert HostLog.model_validate({"decisive": [kept]}).refused == (not known)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NEAR_MISSES.items() for value in values])
def test_what_is_not_quite_an_entry_is_refused_by_the_host_already(name: str, value: object) -> None:
    assert taken({**deploy("b", 2, "rollback").model_dump(mode="json"), name: value}) is None


def taken(document: dict[str, Any]) -> dict[str, Any] | None:
    """What a host takes such a line for."""
    return document_of(json.dumps(document).encode())


@pytest.mark.parametrize("name", NEEDED)
def test_without_what_it_needs_no_document_is_an_entry(name: str) -> None:
    document = deploy("b", 2).model_dump(mode="json")
    assert taken(document) == document
    del document[name]
    assert taken(document) is None


texts = st.text(max_size=20)
entries = st.builds(
    Entry,
    id=texts.filter(bool),
    order=st.integers(min_value=0),
    at=st.datetimes(timezones=st.just(dt.UTC)),
    action=st.sampled_from(ACTIONS),
    operator=st.builds(Operator, who=texts, machine=texts),
    reason=texts,
    result=st.sampled_from(RESULTS),
    release=st.none() | texts,
    dropped=st.tuples() | st.tuples(texts),
    seconds=st.floats(0, 10**6),
    hosts=st.dictionaries(texts, texts, max_size=2),
    steps=st.tuples() | st.tuples(st.builds(StepTime, host=texts, step=texts, seconds=st.floats(0, 10**6))),
)


@given(entries)
def test_a_host_takes_every_entry_that_is_written(written: Entry) -> None:
    found = document_of(written.line())
    assert found is not None
    assert Entry.model_validate(found) == written


def test_a_host_knows_every_field_of_an_entry() -> None:
    assert TYPES.keys() | {*DETAILS} == Entry.model_fields.keys()


def test_what_is_no_entry_is_counted_and_the_rest_counts() -> None:
    good = entry("1", "freeze", 1).model_dump(mode="json")
    unknown = {**good, "id": "2", "action": "thaw"}
    read = HostLog.model_validate({"decisive": [good, unknown], "newest": [unknown, {"id": "3"}], "refused": 4})
    assert ([each.id for each in read.decisive], read.refused) == (["1"], 6)
    digest = Digest()
    for line in (b"nonsense\n", b"\n", b"[" * 10_000 + b"\n", b'{"id": "1"}\n', b'"id"\n', b"\xff\n", b"\0\0\n"):
        digest.take(line)
    assert (digest.refused, digest.entries()) == (6, [])
