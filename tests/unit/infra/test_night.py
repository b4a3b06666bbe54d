"""When a location grows for the night, and when it may shrink again."""

import datetime as dt

import pytest

from infra.aws.location.night import LEAD, MARGIN, NightPlan
from infra.settings.account import NightSettings

WIB = dt.timezone(dt.timedelta(hours=7))
START, END = dt.datetime(2029, 2, 14, 12, tzinfo=WIB), dt.datetime(2029, 2, 15, tzinfo=WIB)
NIGHT = NightSettings(start=START, end=END)


def test_the_hosts_are_called_before_they_are_to_be_there_in_utc() -> None:
    plan = NightPlan.of(NIGHT, START)
    assert plan.starts == dt.datetime(2029, 2, 14, 5, tzinfo=dt.UTC) - LEAD
    assert plan.starts.tzinfo is dt.UTC
    assert plan.ends == dt.datetime(2029, 2, 14, 17, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("now", "is_on", "start_ahead", "end_ahead"),
    [
        (START - LEAD - MARGIN - dt.timedelta(seconds=1), False, True, True),
        (START - LEAD - MARGIN, True, False, True),
        (START, True, False, True),
        (END - MARGIN - dt.timedelta(seconds=1), True, False, True),
        (END - MARGIN, False, False, False),
        (END + dt.timedelta(days=30), False, False, False),
    ],
)
def test_at_any_moment_what_is_right_now_and_what_is_scheduled_fit_together(
    now: dt.datetime, *, is_on: bool, start_ahead: bool, end_ahead: bool
) -> None:
    plan = NightPlan.of(NIGHT, now)
    assert plan.is_on is is_on
    assert (plan.is_ahead(plan.starts), plan.is_ahead(plan.ends)) == (start_ahead, end_ahead)
