"""What the night costs over the number of people at once: as bars for a terminal, as a drawing for a document."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.cost.bill import PARTS
from infra.cost.estimate import estimate
from infra.cost.limits import limits
from infra.cost.load import MILLION, planned_night, with_load
from infra.settings.stack import StackSettings

MOST_SHOWN = 10 * MILLION
"""The drawing goes at least this far: ten million at once is what the country could ask for."""

POINTS = 60
BARS = 10
BAR_WIDTH = 44
EIGHTHS = " ▏▎▍▌▋▊▉"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 480, 92, 150, 56, 64
COLOURS = ("#0072b2", "#56b4e9", "#e69f00", "#009e73", "#999999")
"""Told apart by the colour-blind too (Okabe and Ito)."""


@dataclass(frozen=True)
class Point:
    """What a night costs.

    Args:
        viewers: People at once.
        parts: USD for each part of the bill, in its order.
        over: What is exceeded: `budget`, `quota`.
    """

    viewers: int
    parts: tuple[float, ...]
    over: tuple[str, ...]

    @property
    def usd(self) -> float:
        """All of it."""
        return sum(self.parts)


def point(settings: StackSettings, viewers: int) -> Point:
    """What the night costs if another number of people come."""
    changed = with_load(settings, {"viewers": viewers})
    found = estimate(changed)
    over_quota = any(limit.quota and not limit.is_enough for limit in limits(changed))
    over = (("budget", found.night.usd > found.budget.night_usd), ("quota", over_quota))
    return Point(viewers, tuple(found.night.parts.values()), tuple(name for name, exceeded in over if exceeded))


def nice_step(longest: float, steps: int) -> float:
    """A step of 1, 2, 2.5 or 5 times a power of ten that covers a length in at most so many steps."""
    least = longest / steps
    power = 10 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


def range_of(settings: StackSettings) -> int:
    """How many people the plot goes up to."""
    return max(MOST_SHOWN, math.ceil(planned_night(settings).viewers * 4 / 3))


def bars(settings: StackSettings) -> list[str]:
    """The plot for a terminal: a line for each number of people, and one for the number that is planned for."""
    planned, most = planned_night(settings).viewers, range_of(settings)
    step = nice_step(most, BARS)
    numbers = sorted({planned, *(round(step * i) for i in range(1, math.floor(most / step) + 1))})
    points = [point(settings, viewers) for viewers in numbers]
    dearest = max(found.usd for found in points)
    return [_bar(found, dearest, is_planned=found.viewers == planned) for found in points]


def _bar(found: Point, dearest: float, *, is_planned: bool) -> str:
    whole, eighth = divmod(round(found.usd / dearest * BAR_WIDTH * 8), 8)
    bar = f"{'█' * whole}{EIGHTHS[eighth] if eighth else ''}"
    marks = [*(["planned"] if is_planned else []), *(f"over {what}" for what in found.over)]
    return f"{found.viewers:>13,}  {bar or EIGHTHS[1]} {found.usd:,.0f} USD{'  ← ' if marks else ''}{', '.join(marks)}"


@dataclass(frozen=True)
class PlotMark:
    """A line across the drawing.

    Args:
        at: Where, in people or USD.
        text: What it says.
    """

    at: float
    text: str


def draw(settings: StackSettings, title: str) -> str:
    """The plot as SVG.

    Args:
        settings: The stack's settings.
        title: What stands above it.
    """
    most = range_of(settings)
    points = [point(settings, max(1, round(most * i / POINTS))) for i in range(POINTS + 1)]
    step = nice_step(points[-1].usd, 8)
    highest = math.ceil(points[-1].usd / step) * step
    scale = _Scale(most, highest)
    planned = point(settings, planned_night(settings).viewers)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    wide = nice_step(most, 10)
    return environment.get_template("plot.svg.j2").render(
        title=title,
        size=(WIDTH, HEIGHT),
        frame=(LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM),
        areas=_areas(points, scale),
        across=[(scale.x(wide * i), f"{wide * i / MILLION:g}") for i in range(math.floor(most / wide) + 1)],
        up=[(scale.y(step * i), f"{step * i:,.0f}") for i in range(round(highest / step) + 1)],
        budget=_budget(settings, scale, highest),
        quota=_quota(settings, scale, most),
        planned=(scale.x(planned.viewers), scale.y(planned.usd), f"planned: {planned.usd:,.0f} USD"),
    )


@dataclass(frozen=True)
class _Scale:
    most: float
    highest: float

    def x(self, viewers: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * viewers / self.most, 1)

    def y(self, usd: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * usd / self.highest, 1)


def _areas(points: Sequence[Point], scale: _Scale) -> list[dict[str, object]]:
    """The parts of the bill, one on the other, the largest ones lowest."""
    areas: list[dict[str, object]] = []
    below = [0.0] * len(points)
    for i, (name, colour) in enumerate(zip(PARTS, COLOURS, strict=True)):
        above = [base + found.parts[i] for base, found in zip(below, points, strict=True)]
        upper = [(scale.x(found.viewers), scale.y(usd)) for found, usd in zip(points, above, strict=True)]
        lower = [(scale.x(found.viewers), scale.y(usd)) for found, usd in zip(points, below, strict=True)]
        outline = " ".join(f"{x},{y}" for x, y in [*upper, *reversed(lower)])
        areas.append({"name": name, "colour": colour, "outline": outline})
        below = above
    return areas


def _budget(settings: StackSettings, scale: _Scale, highest: float) -> PlotMark | None:
    if settings.budget is None or settings.budget.night_usd > highest:
        return None
    return PlotMark(scale.y(settings.budget.night_usd), f"budget {settings.budget.night_usd:,} USD")


def _quota(settings: StackSettings, scale: _Scale, most: int) -> PlotMark | None:
    """Where the first of the CDN's quotas ends: both grow with the number of people."""
    of_cdn = [limit for limit in limits(settings) if limit.quota and limit.quota.service == "cloudfront"]
    first = max(of_cdn, key=lambda limit: limit.factor)
    viewers = planned_night(settings).viewers / first.factor
    return PlotMark(scale.x(viewers), f"quota: {first.there:,.0f} {first.name}") if viewers <= most else None
