"""The looks: each says whether one thing is as it should be, or that only a person can say.

A look at something that the stack doesn't have (AWS, own machines) returns None, and its line is left out.
"""

import datetime as dt

from infra.cost.estimate import estimate
from infra.cost.guard import budget_problems
from infra.cost.limits import Limit, figure, limits
from infra.settings.location import AwsLocationSettings
from infra.settings.regions import REGIONS
from roles.readiness.facts import WIB, Facts, Finding

POLLS_CLOSE_HOUR = 13
"""Voting ends at 13:00, local time; in the west last."""

MIDNIGHT_HOUR = 24
PRICES_DAYS = 180
REHEARSED_DAYS = 30
REHEARSALS = ("deploy", "rollback", "drain-location")
"""What has to have been done before it is done in earnest."""

REHEARSAL_BEGIN_DAYS, REHEARSAL_END_DAYS = 60, 7
DAY_SECONDS = 86_400


def regions_enabled(facts: Facts) -> Finding | None:
    """Regions that have to be switched on. Settings that lack one are refused when they are read."""
    opt_in = [region for region in facts.settings.regions if REGIONS[region].opt_in]
    return Finding("done", f"named as switched on: {', '.join(opt_in)}") if opt_in else None


def budget_suffices(facts: Facts) -> Finding | None:
    """The estimate against the budget that was signed."""
    if facts.settings.aws is None:
        return None
    problems = budget_problems(facts.settings)
    if problems:
        return Finding("open", "; ".join(problems))
    found = estimate(facts.settings)
    return Finding(
        "done",
        f"night {found.night.usd:,.0f} of {found.budget.night_usd:,} USD,"
        f" month {found.month.usd:,.0f} of {found.budget.month_usd:,} USD",
    )


def prices_are_fresh(facts: Facts) -> Finding | None:
    """How old the prices and the rate of the rupiah are."""
    if facts.settings.aws is None:
        return None
    found = estimate(facts.settings)
    dates = [item.price.date for item in (*found.night.items, *found.month.items)]
    oldest = min([*dates, found.budget.rupiah_date])
    age = (facts.today - oldest).days
    if age > PRICES_DAYS:
        return Finding("open", f"the oldest price or rate is of {oldest}: {age} days, and {PRICES_DAYS} are allowed")
    believed = found.night.believed_usd / found.night.usd
    return Finding("ask", f"the oldest is of {oldest}; {believed:.0%} of the night rests on prices marked B")


def quotas_suffice(facts: Facts) -> Finding | None:
    """The account's quotas against what the night needs."""
    of_account = [limit for limit in limits(facts.settings) if limit.quota]
    return _limits_hold(of_account)


def hosts_suffice(facts: Facts) -> Finding | None:
    """The hosts against what the CDN hands on, with the largest location lost."""
    return _limits_hold([limit for limit in limits(facts.settings) if limit.quota is None])


def _limits_hold(found: list[Limit]) -> Finding | None:
    if not found:
        return None
    over = [limit.problem for limit in found if not limit.is_enough]
    if over:
        return Finding("open", "; ".join(over))
    tightest = max(found, key=lambda limit: limit.factor)
    return Finding(
        "done",
        f"tightest: {tightest.name} ({tightest.where}), {figure(tightest.needed)} of {figure(tightest.there)}",
    )


def night_covers_the_polls(facts: Facts) -> Finding | None:
    """The hours for which hosts are there before load asks for them."""
    night = facts.settings.night
    if night is None:
        return None
    start, end = night.start.astimezone(WIB), night.end.astimezone(WIB)
    text = f"tegak:night is {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} WIB"
    late = start > facts.moment(POLLS_CLOSE_HOUR)
    short = end < facts.moment(MIDNIGHT_HOUR)
    wrong = [
        *([f"it must begin by {facts.election} {POLLS_CLOSE_HOUR}:00 WIB"] if late else []),
        *([f"it must last until the end of {facts.election}"] if short else []),
    ]
    return Finding("open", f"{text}: {', '.join(wrong)}") if wrong else Finding("done", text)


def units_are_reserved(facts: Facts) -> Finding | None:
    """Load balancers that are large before the rush."""
    places = facts.settings.of_kind(AwsLocationSettings)
    if not places:
        return None
    without = [place.name for place in places if not place.reserved_units]
    if without:
        return Finding("open", f"no reserved_units: {', '.join(without)}")
    return Finding("done", ", ".join(f"{place.name} {place.reserved_units}" for place in places))


def firewall_decided(facts: Facts) -> Finding | None:
    """Whether rate rules block."""
    if facts.settings.aws is None:
        return None
    if facts.settings.aws.waf == "block":
        return Finding("done", "tegak:aws.waf is block")
    return Finding("ask", "tegak:aws.waf is count: after a week of counting, block, or decide to leave it")


def zone_is_signed(facts: Facts) -> Finding | None:
    """DNSSEC, which needs a record in the parent zone too."""
    aws = facts.settings.aws
    if aws is None:
        return None
    if not aws.dnssec:
        return Finding("ask", "tegak:aws.dnssec is off: decide, and not in the last weeks")
    return Finding("ask", f"tegak:aws.dnssec is on: does the parent of {aws.zone} have the DS record?")


def site_stands(facts: Facts) -> Finding:
    """Whether every host answers."""
    if facts.observed is None:
        return Finding("open", facts.unseen)
    unreachable = [error.message for error in facts.observed.errors.values()]
    if unreachable:
        return Finding("open", "; ".join(unreachable))
    return Finding("done", f"{len(facts.observed.states)} hosts answer")


def certificate_lasts(facts: Facts) -> Finding:
    """How long those last that hosts show, an edge or load balancers; the CDN's is Amazon's to renew."""
    ends = (
        [] if facts.observed is None else [s.certificate_s for s in facts.observed.states.values() if s.certificate_s]
    )
    if not ends or facts.observed is None:
        return Finding("ask", "does every certificate outlast the count?")
    last_day = facts.today + dt.timedelta(seconds=int(min(ends)))
    needed = facts.election + dt.timedelta(days=facts.observed.inventory.rollout.certificate_days)
    left = int(min(ends) // DAY_SECONDS)
    text = f"the first to end lasts {left} days, until {last_day}, and {needed} is needed"
    return Finding("done" if last_day >= needed else "open", text)


def load_rehearsal(facts: Facts) -> Finding:
    """Whether the night of the rehearsal's stack is at a time that leaves some for what it finds."""
    night = facts.rehearsal.night if facts.rehearsal else None
    if night is None:
        return Finding("ask", "did the full load, for as long as the night, pass?")
    day = night.start.astimezone(WIB).date()
    before = (facts.election - day).days
    if not REHEARSAL_END_DAYS <= before <= REHEARSAL_BEGIN_DAYS:
        return Finding(
            "open",
            f"tegak:night of staging is {day}, T{-before:+d}: it must be"
            f" {REHEARSAL_END_DAYS} to {REHEARSAL_BEGIN_DAYS} days before the day",
        )
    return Finding("ask", f"planned on staging for {day}: did it hold?")


def changes_rehearsed(facts: Facts) -> Finding:
    """Whether what may have to be done at night was done lately."""
    if facts.observed is None:
        return Finding("ask", f"were {', '.join(REHEARSALS)} done in the last {REHEARSED_DAYS} days?")
    entries = {action: facts.newest(action, REHEARSED_DAYS) for action in REHEARSALS}
    missing = [action for action, entry in entries.items() if entry is None]
    if missing:
        return Finding("open", f"not in the log of the last {REHEARSED_DAYS} days: {', '.join(missing)}")
    return Finding("done", ", ".join(f"{action} {entry.at:%m-%d}" for action, entry in entries.items() if entry))


def frozen(facts: Facts) -> Finding:
    """Whether nothing but results changes any more."""
    if facts.observed is None:
        return Finding("ask", "is it frozen?")
    freeze = facts.observed.log.freeze
    if freeze is None:
        return Finding("open", "not frozen")
    return Finding("done", f"since {freeze.at:%Y-%m-%d} by {freeze.operator.who}: {freeze.reason}")


def results_published(facts: Facts) -> Finding:
    """Whether there is a snapshot to show, and to fall back to."""
    if facts.observed is None:
        return Finding("ask", "is a snapshot published, and in both regions?")
    snapshot = facts.observed.log.snapshot
    return Finding("done", f"snapshot {snapshot}") if snapshot else Finding("open", "nothing was published")
