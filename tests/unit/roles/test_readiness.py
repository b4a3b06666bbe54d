"""The calendar backwards from the day: what is due, what stops, what only a person can say."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.errors import OperatorError
from infra.cost.load import with_load
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings
from roles.hosts.audit import Entry
from roles.hosts.state import Observation
from roles.readiness.calendar import CALENDAR, CalendarLine, judge
from roles.readiness.facts import Facts
from roles.readiness.report import decide
from roles.tasks.outlook import show_readiness
from tests.thorough import examples
from tests.unit.infra.cost.stacks import stack, with_aws, with_budget
from tests.unit.roles.fleets import OPERATOR, healthy, host_log

PROJECT = Path(__file__).resolve().parents[3]
ELECTION = dt.date(2029, 2, 14)
NOT_UP = "stack 'produksi' is not up: it has no output 'inventory'"
DAYS_90 = 90 * 86_400
Change = Callable[[Facts], Facts]
Capture = pytest.CaptureFixture[str]


def note(action: str, days: int, **fields: object) -> Entry:
    """A line of the log, so many days before the election."""
    at = dt.datetime(2029, 2, 14, 5, tzinfo=dt.UTC) - dt.timedelta(days=days)
    document = {
        "id": f"{action}-{days}",
        "at": at,
        "order": 100 - days,
        "action": action,
        "operator": OPERATOR,
        **fields,
    }
    return Entry.model_validate(document)


GOOD_LOG = (
    note("deploy", 20, release="1.1.0-new"),
    note("rollback", 19, release="1.0.0-old"),
    note("drain-location", 18, location="barat"),
    note("publish", 3, snapshot="s"),
    note("freeze", 3, reason="hari H"),
)


def observed(*log: Entry, certificate_s: float = DAYS_90) -> Observation:
    """Hosts that answer, with such a log."""
    found = healthy()
    states = {
        name: state.model_copy(
            update={"log": host_log(*log), "certificate_s": certificate_s if name == "edge-1" else None}
        )
        for name, state in found.states.items()
    }
    return replace(found, states=states)


def fresh(settings: StackSettings) -> StackSettings:
    """The same stack, its rate of the rupiah of these days."""
    return with_budget(settings, rupiah_date=dt.date(2029, 1, 1))


def ready(days: int = 0) -> Facts:
    """Everything done, so many days before the election. Only the prices are as old as they are."""
    return Facts(
        "produksi",
        with_aws(fresh(stack()), waf="block"),
        ELECTION,
        ELECTION - dt.timedelta(days=days),
        stack("staging"),
        observed(*GOOD_LOG),
    )


def lines(facts: Facts) -> dict[str, CalendarLine]:
    """The calendar but for the prices, which nobody has read anew in 2029 yet."""
    judged = judge(facts, [step for step in CALENDAR if step.what != "prices are read anew"])
    return {line.step.what: line for line in judged}


def on(change: Callable[[StackSettings], StackSettings]) -> Change:
    """Other settings."""
    return lambda facts: replace(facts, settings=change(facts.settings))


def seeing(*log: Entry, certificate_s: float = DAYS_90) -> Change:
    """Other hosts."""
    return lambda facts: replace(facts, observed=observed(*log, certificate_s=certificate_s))


def without_reserved_units(settings: StackSettings) -> StackSettings:
    first, *others = settings.locations
    assert isinstance(first, AwsLocationSettings)
    return settings.model_copy(update={"locations": (first.model_copy(update={"reserved_units": 0}), *others)})


def held_on(day: dt.date) -> Change:
    """Another day."""
    return lambda facts: replace(facts, election=day)


def not_up(facts: Facts) -> Facts:
    return replace(facts, observed=None, unseen=NOT_UP)


def look_in_vain(_project: Path, _stack: str) -> tuple[None, str]:
    return None, NOT_UP


def one_unreachable(facts: Facts) -> Facts:
    assert facts.observed
    return replace(facts, observed=replace(facts.observed, errors={"x": OperatorError("x does not answer")}))


def rehearsed_on(day: dt.date) -> Change:
    def change(facts: Facts) -> Facts:
        night = stack("staging").night
        assert night
        start = dt.datetime.combine(day, dt.time(12), dt.timezone(dt.timedelta(hours=7)))
        moved = night.model_copy(update={"start": start, "end": start + dt.timedelta(hours=4)})
        return replace(facts, rehearsal=stack("staging").model_copy(update={"night": moved}))

    return change


def test_nothing_stops_a_stack_on_which_everything_is_done() -> None:
    found = lines(ready())
    assert [line for line in found.values() if line.stops] == []
    assert {line.state for line in found.values()} == {"done", "ask", "due"}
    assert [line.step.days for line in found.values() if line.state == "due"] == [-1]


@pytest.mark.parametrize(
    ("change", "what", "found"),
    [
        (on(lambda settings: with_budget(settings, night_usd=4000)), "the money is signed for", "night_usd is 4,000"),
        (
            on(lambda settings: with_aws(settings, vcpu_quotas={})),
            "quotas are raised",
            "64 are needed, and there are 0",
        ),
        (
            on(lambda settings: with_load(settings, {"origin_percent": 100.0})),
            "hosts hold with a location lost",
            "100,000 are needed, and there are 16,000",
        ),
        (
            on(lambda settings: with_load(settings, {"hours": 11})),
            "the night's hours are set",
            "it must last until the end of 2029-02-14",
        ),
        (held_on(dt.date(2029, 2, 13)), "the night's hours are set", "must begin by"),
        (not_up, "the site stands", NOT_UP),
        (one_unreachable, "the site stands", "x does not answer"),
        (seeing(*GOOD_LOG, certificate_s=6.9 * 86_400), "certificates last", "until 2029-02-20, and 2029-02-21"),
        (rehearsed_on(dt.date(2029, 2, 10)), "the load was rehearsed", "2029-02-10, T-4"),
        (rehearsed_on(dt.date(2028, 10, 1)), "the load was rehearsed", "2028-10-01, T-136"),
        (seeing(*GOOD_LOG[1:]), "changes were rehearsed", "not in the log of the last 30 days: deploy"),
        (
            seeing(note("deploy", 31, release="1"), *GOOD_LOG[1:]),
            "changes were rehearsed",
            "not in the log of the last 30 days: deploy",
        ),
        (
            seeing(note("deploy", 20, release="1", result="left"), *GOOD_LOG[1:]),
            "changes were rehearsed",
            "not in the log of the last 30 days: deploy",
        ),
        (seeing(*GOOD_LOG[:-1]), "the release is frozen", "not frozen"),
        (seeing(*GOOD_LOG, note("unfreeze", 1)), "the release is frozen", "not frozen"),
        (seeing(*GOOD_LOG[:3], GOOD_LOG[4]), "results can be shown", "nothing was published"),
        (on(without_reserved_units), "load balancers are large", "no reserved_units: jakarta"),
    ],
)
def test_what_is_open_stops_when_its_day_has_come_and_not_before(change: Change, what: str, found: str) -> None:
    days = {step.what: step.days for step in CALENDAR}[what]
    changed = change(ready())
    its_day = changed.election - dt.timedelta(days=days)

    def line(early_days: int) -> CalendarLine:
        return lines(replace(changed, today=its_day - dt.timedelta(days=early_days)))[what]

    assert lines(ready())[what].state == "done" or what == "the load was rehearsed"
    assert [line(early).state for early in (8, 7, 1, 0, -1)] == ["later", "due", "due", "overdue", "overdue"]
    assert found in lines(changed)[what].found
    assert line(0).stops
    assert lines(changed)[what].stops


def test_prices_that_nobody_read_for_half_a_year_stop() -> None:
    def state(today: dt.date) -> tuple[str, str]:
        facts = replace(ready(), settings=stack(), today=today)
        (line,) = [line for line in judge(replace(facts, election=today)) if line.step.what == "prices are read anew"]
        return line.state, line.found

    assert state(dt.date(2026, 11, 25))[0] == "ask"
    assert "66% of the night rests on prices marked B" in state(dt.date(2026, 11, 25))[1]
    assert state(dt.date(2027, 2, 8))[0] == "ask"
    assert state(dt.date(2027, 2, 9)) == (
        "overdue",
        "the oldest price or rate is of 2026-08-12: 181 days, and 180 are allowed",
    )


def test_a_rate_of_the_rupiah_that_is_old_stops_too() -> None:
    facts = replace(ready(), election=dt.date(2026, 11, 25), today=dt.date(2026, 11, 25))
    old = replace(facts, settings=with_budget(facts.settings, rupiah_date=dt.date(2026, 5, 1)))
    (line,) = [line for line in judge(old) if line.step.what == "prices are read anew"]
    assert line.stops
    assert "the oldest price or rate is of 2026-05-01" in line.found


def test_a_firewall_that_only_counts_is_for_a_person_to_decide() -> None:
    assert lines(ready())["the firewall is decided"].state == "done"
    counting = replace(ready(), settings=with_aws(ready().settings, waf="count"))
    assert lines(counting)["the firewall is decided"].state == "ask"


def test_hosts_that_can_not_be_asked_leave_questions_and_no_crash() -> None:
    found = lines(not_up(ready()))
    asked = {"certificates last", "changes were rehearsed", "the release is frozen", "results can be shown"}
    assert {found[what].state for what in asked} == {"ask"}
    assert [line.step.what for line in found.values() if line.stops] == ["the site stands"]


def test_a_stack_without_aws_has_no_lines_about_it() -> None:
    found = lines(replace(ready(), settings=stack("lokal"), stack="lokal"))
    assert not {"quotas are raised", "the money is signed for", "load balancers are large"} & set(found)
    assert "the release is frozen" in found


@examples(100)
@given(early=st.integers(-400, 400), later=st.integers(0, 400))
def test_time_alone_closes_nothing(early: int, later: int) -> None:
    facts = not_up(ready(early))
    before, after = lines(facts), lines(replace(facts, today=facts.today + dt.timedelta(days=later)))
    order = ["later", "due", "ask", "overdue"]
    for what, line in before.items():
        assert line.date == ELECTION - dt.timedelta(days=line.step.days)
        if line.state == "done":
            assert after[what].state == "done"
        else:
            assert order.index(after[what].state) >= order.index(line.state)


def test_the_calendar_runs_towards_the_day() -> None:
    dates = [line.date for line in judge(ready())]
    assert dates == sorted(dates)


def test_go_is_said_with_what_a_person_has_to_confirm(capsys: Capture) -> None:
    decide(list(lines(ready()).values()))
    said = capsys.readouterr().out
    assert "a person has to confirm: people are named, with deputies; " in said
    assert "go if confirmed: nothing is overdue, 1 of 19 lines are still to come" in said


def test_no_go_names_every_open_line_and_fails(capsys: Capture) -> None:
    with pytest.raises(OperatorError) as caught:
        show_readiness(PROJECT, "produksi", None, ELECTION.isoformat(), look_in_vain)
    assert caught.value.message == "no-go: 2 of 20 lines are overdue: prices are read anew; the site stands"
    assert caught.value.exit_code == 1
    shown = capsys.readouterr().out
    assert "produksi: election 2029-02-14, today 2029-02-14, T+0" in shown
    assert f"its hosts were not asked: {NOT_UP}" in shown
    assert "2028-12-31  -45" in shown


def test_long_before_the_day_a_stack_that_is_not_up_is_no_reason_to_stop(capsys: Capture) -> None:
    show_readiness(PROJECT, "produksi", "2029-02-14", "2026-11-25", look_in_vain)
    assert "go: nothing is overdue" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "election", "sentence"),
    [
        ("produksi", "14 Februari", "--election is '14 Februari': it must be a day such as 2029-02-14"),
        ("prodksi", None, "there is no stack 'prodksi'; did you mean produksi?"),
        ("lokal", None, "stack 'lokal' has no tegak:night: its day has to be said"),
    ],
)
def test_a_day_or_stack_that_is_not_there_is_one_sentence(name: str, election: str | None, sentence: str) -> None:
    with pytest.raises(OperatorError) as caught:
        show_readiness(PROJECT, name, election, ELECTION.isoformat(), look_in_vain)
    assert caught.value.message == sentence
