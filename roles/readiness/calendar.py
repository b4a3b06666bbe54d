"""The calendar, backwards from the day, and what it says today."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from roles.readiness import looks
from roles.readiness.facts import Facts, Finding

SOON_DAYS = 7
"""What is due within so many days is shown as due."""

State = Literal["done", "later", "due", "overdue", "ask"]
"""`due`: soon. `overdue`: its day has come, and it is open. `ask`: its day has come, and only a person can say."""


@dataclass(frozen=True)
class Duty:
    """A line of the calendar.

    Args:
        days: How many days before the election; negative: after it.
        what: What has to be so.
        how: What to type, or what to do.
        look: Finds out; None from it: the stack has no such thing.
    """

    days: int
    what: str
    how: str
    look: Callable[[Facts], Finding | None]


def person(question: str) -> Callable[[Facts], Finding]:
    """A look that only a person can take."""
    return lambda _: Finding("ask", question)


CALENDAR = (
    Duty(
        120, "regions are switched on", "aws account enable-region --region-name ap-southeast-3", looks.regions_enabled
    ),
    Duty(90, "the money is signed for", "fab cost; docs/budget.md; tegak:budget", looks.budget_suffices),
    Duty(90, "prices are read anew", "$EDITOR infra/cost/prices.toml", looks.prices_are_fresh),
    Duty(
        60,
        "people are named, with deputies",
        "the roster of the night",
        person("who watches, who decides, who sleeps?"),
    ),
    Duty(45, "quotas are raised", "fab cost; tegak:aws", looks.quotas_suffice),
    Duty(45, "hosts hold with a location lost", "tegak:locations[].hosts", looks.hosts_suffice),
    Duty(45, "the night's hours are set", "tegak:night", looks.night_covers_the_polls),
    Duty(40, "the zone is signed", "aws route53 get-dnssec", looks.zone_is_signed),
    Duty(30, "the site stands", "pulumi up, fab status", looks.site_stands),
    Duty(
        30,
        "certificates last",
        "pulumi up, fab certificate; aws acm list-certificates --region us-east-1",
        looks.certificate_lasts,
    ),
    Duty(30, "alarms reach a person", "aws sns publish; confirm the mail", person("did everyone get the test alarm?")),
    Duty(21, "the load was rehearsed", "tegak:night of staging", looks.load_rehearsal),
    Duty(14, "changes were rehearsed", "fab deploy, rollback, drain-location", looks.changes_rehearsed),
    Duty(14, "the firewall is decided", "tegak:aws.waf", looks.firewall_decided),
    Duty(
        7,
        "names change quickly",
        "dig +noall +answer NAME",
        person("are times to live in DNS at 60 s, the old site's too?"),
    ),
    Duty(3, "the release is frozen", "fab freeze --reason '…'", looks.frozen),
    Duty(3, "results can be shown", "fab publish", looks.results_published),
    Duty(1, "load balancers are large", "reserved_units, pulumi up", looks.units_are_reserved),
    Duty(1, "every host is as it should be", "fab verify, fab drift", person("did both pass today?")),
    Duty(
        -1,
        "what was dear is given back",
        "reserved_units: 0, pulumi up, fab unfreeze",
        person("after the count's rush"),
    ),
)
"""AWS wants 4 to 6 weeks for a raise of quotas; DNSSEC and certificates wait for others' answers; a rehearsal must
leave time to mend what it finds; the last three days are for nothing new: 2019's site was still being changed."""


@dataclass(frozen=True)
class CalendarLine:
    """What the calendar says of a step.

    Args:
        step: The step.
        date: Its day.
        state: How it stands.
        found: What a look found.
    """

    step: Duty
    date: dt.date
    state: State
    found: str

    @property
    def stops(self) -> bool:
        """Whether it is a reason not to go."""
        return self.state == "overdue"


def judge(facts: Facts, calendar: Iterable[Duty] = CALENDAR) -> list[CalendarLine]:
    """Every step that the stack has, by its day.

    Args:
        facts: What is known.
        calendar: The steps.
    """
    lines: list[CalendarLine] = []
    for step in sorted(calendar, key=lambda step: -step.days):
        finding = step.look(facts)
        if finding is not None:
            date = facts.election - dt.timedelta(days=step.days)
            lines.append(CalendarLine(step, date, _state(finding, date, facts.today), finding.text))
    return lines


def _state(finding: Finding, date: dt.date, today: dt.date) -> State:
    if finding.answer == "done":
        return "done"
    if date > today:
        return "due" if date <= today + dt.timedelta(days=SOON_DAYS) else "later"
    return "ask" if finding.answer == "ask" else "overdue"
