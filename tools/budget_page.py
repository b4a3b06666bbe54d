"""Bring docs/budget.md and its plot to what `fab cost` says today: python -m tools.budget_page."""

import io
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

from infra.cost.estimate import Estimate, estimate
from infra.cost.limits import limits
from infra.cost.load import MILLION, with_load
from infra.cost.plot import draw
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings
from roles.stack.names import PRODUCTION
from roles.stack.settings import read_stack_settings
from roles.tasks.outlook import show_cost

PROJECT = Path(__file__).resolve().parent.parent
PAGE, PLOT = PROJECT / "docs/budget.md", PROJECT / "docs/budget.svg"
STANDING_MONTHS = 6
"""How long the site stands around an election: quotas, rehearsals, the night, the weeks of counting."""

SIZES: Mapping[str, Mapping[str, float]] = {
    "a province": {"viewers": 300_000},
    "the nation, as in 2019": {},
    "ten million at once": {
        "viewers": 10 * MILLION,
        "poll_seconds": 15,
        "requests_per_poll": 2,
        "answer_bytes": 12_000,
    },
}
COMMAND = re.compile(r"^    \$ fab cost (?P<options>.*)\n(?:    .*\n)*", re.MULTILINE)
TABLE = re.compile(r"(?P<mark><!-- (?P<name>[a-z]+), by tools/budget_page\.py -->\n)(?:\|.*\n)*")


def refreshed(page: str) -> str:
    """The page with today's output of every command and today's tables."""
    page = COMMAND.sub(lambda found: f"    $ fab cost {found['options']}\n{_output(found['options'])}", page)
    return TABLE.sub(lambda found: found["mark"] + _table(TABLES[found["name"]]()), page)


def plot() -> str:
    """The page's plot."""
    return draw(production(), f"What the night costs: {PRODUCTION}")


def production() -> StackSettings:
    """The settings of production."""
    return read_stack_settings(PROJECT, PRODUCTION)


def _output(options: str) -> str:
    words = [word.removeprefix("--") for word in shlex.split(options)]
    given = dict(pairwise(words))
    asked = {name.replace("-", "_"): given[name] for name in words if name in ASKED}
    output = io.StringIO()
    with redirect_stdout(output):
        show_cost(PROJECT, given.get("stack", PRODUCTION), asked, brief_only="brief" in words)
    return "".join(f"    {line}\n" for line in output.getvalue().splitlines())


ASKED = ("viewers", "poll-seconds", "requests-per-poll", "answer-bytes", "hours")


def _sizes() -> list[list[str]]:
    stacks = [with_load(production(), changes) for changes in SIZES.values()]
    found = [estimate(settings) for settings in stacks]

    def row(name: str, cell: Callable[[Estimate], str]) -> list[str]:
        return [name, *(cell(one) for one in found)]

    return [
        ["", *SIZES],
        row("requests a second, at the peak", lambda one: f"{one.load.requests_per_second:,.0f}"),
        row("sent in the night", lambda one: f"{one.load.gigabytes / 1000:,.3g} TB"),
        row("**the night, USD**", lambda one: f"**{one.night.usd:,.0f}**"),
        row("the night, million IDR", lambda one: _millions(one, one.night.usd)),
        row("a usual month, USD", lambda one: f"{one.month.usd:,.0f}"),
        row("half a year and the night, USD", lambda one: f"{_standing(one):,.0f}"),
        row("half a year and the night, million IDR", lambda one: _millions(one, _standing(one))),
        ["quotas to raise first", *(_quotas(settings) for settings in stacks)],
    ]


def _standing(found: Estimate) -> float:
    return STANDING_MONTHS * found.month.usd + found.night.usd


def _millions(found: Estimate, usd: float) -> str:
    return f"{found.rupiah(usd) / MILLION:,.0f}"


def _quotas(settings: StackSettings) -> str:
    over = [f"{limit.name}, {limit.factor:.1f} times" for limit in limits(settings) if not limit.is_enough]
    return "; ".join(over) or "none"


def _cuts() -> list[list[str]]:
    settings = production()
    night, month = estimate(settings).night.usd, estimate(settings).month.usd
    staging = estimate(read_stack_settings(PROJECT, "staging")).month.usd

    def saved(changes: Mapping[str, float]) -> str:
        return f"{night - estimate(with_load(settings, changes)).night.usd:,.0f} of the night"

    fewer = month - estimate(_with_places(settings, usual=2)).month.usd
    reserved = night - estimate(_with_places(settings, reserved_units=0)).night.usd
    return [
        ["cut", "saves, USD", "what it means"],
        [
            "staging, between rehearsals",
            f"{staging:,.0f} a month",
            "`pulumi destroy -s staging`: nobody outside notices",
        ],
        ["pages ask every 60 s, not every 30 s", saved({"poll_seconds": 60}), "figures are half a minute older"],
        ["answers of 4 kB, not of 8 kB", saved({"answer_bytes": 4000}), "work on the pages, weeks before"],
        ["two hosts in a location on usual days, not three", f"{fewer:,.0f} a month", "one zone without a host"],
        ["no load balancer units reserved", f"{reserved:,.0f} of the night", "the first minutes of a rush are slower"],
    ]


def _with_places(settings: StackSettings, **changes: int) -> StackSettings:
    """The same stack, each AWS location changed: a number of hosts, or a setting of its own."""

    def changed(place: AwsLocationSettings) -> AwsLocationSettings:
        hosts = {name: value for name, value in changes.items() if name in type(place.hosts).model_fields}
        own = {name: value for name, value in changes.items() if name not in hosts}
        return place.model_copy(update={**own, "hosts": place.hosts.model_copy(update=hosts)})

    places = [changed(place) if isinstance(place, AwsLocationSettings) else place for place in settings.locations]
    return settings.model_copy(update={"locations": tuple(places)})


TABLES: Mapping[str, Callable[[], list[list[str]]]] = {"sizes": _sizes, "cuts": _cuts}


def _table(rows: list[list[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PLOT.write_text(plot(), encoding="utf-8")
