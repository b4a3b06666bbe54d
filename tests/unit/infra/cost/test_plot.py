"""The plot of what the night costs over people at once."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cost.bill import PARTS
from infra.cost.estimate import estimate
from infra.cost.load import with_load
from infra.cost.plot import BAR_WIDTH, bars, draw, nice_step, point
from tests.thorough import examples
from tests.unit.infra.cost.stacks import stack, with_aws, with_budget

SVG = "{http://www.w3.org/2000/svg}"


def test_every_item_of_a_bill_is_in_one_part_of_the_plot() -> None:
    for bill in (estimate(stack()).night, estimate(stack()).month):
        for item in bill.items:
            assert sum(belongs(item) for belongs in PARTS.values()) == 1, item.name
        assert sum(bill.parts.values()) == pytest.approx(bill.usd)


@examples(100)
@given(st.floats(1e-3, 1e12), st.integers(2, 20))
def test_a_step_of_an_axis_is_round_and_covers_it(longest: float, steps: int) -> None:
    step = nice_step(longest, steps)
    assert longest / steps <= step * (1 + 1e-6)
    assert step < 2.6 * longest / steps
    first_digits = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert any(first_digits == pytest.approx(digits) for digits in (1, 2, 2.5, 5, 10))


def test_the_bars_name_what_is_planned_and_what_is_over() -> None:
    lines = bars(stack())
    assert [line for line in lines if "planned" in line] == [line for line in lines if "3,000,000" in line]
    over_budget = [line for line in lines if "over budget" in line]
    over_quota = [line for line in lines if "over quota" in line]
    assert over_budget[0].split()[0] == "4,000,000"
    assert over_quota[0].split()[0] == "8,000,000"
    assert max(line.count("█") for line in lines) == lines[-1].count("█") == BAR_WIDTH


def test_a_number_of_people_between_two_bars_has_a_bar_of_its_own() -> None:
    lines = bars(with_load(stack(), {"viewers": 3_141_592}))
    assert [line.split()[0] for line in lines if "planned" in line] == ["3,141,592"]
    assert len(bars(with_load(stack(), {"viewers": 100_000_000}))) <= BAR_WIDTH


def test_the_drawing_is_an_svg_whose_areas_end_at_what_the_last_night_costs() -> None:
    image = ET.fromstring(draw(stack(), "Kosten & Nacht"))  # noqa: S314  # we drew it ourselves
    assert image.find(f"{SVG}text").text == "Kosten & Nacht"  # pyright: ignore[reportOptionalMemberAccess]
    polygons = [polygon.get("points", "") for polygon in image.iter(f"{SVG}polygon")]
    assert len(polygons) == len(PARTS)
    labels = {float(text.get("y", "0")) - 4: text.text for text in image.iter(f"{SVG}text") if text.text}
    bottom = next(y for y, text in labels.items() if text == "0")
    top = next(y for y, text in labels.items() if text == "14,000")
    tops = [min(float(pair.split(",")[1]) for pair in points.split()) for points in polygons]
    usd = (bottom - min(tops)) / (bottom - top) * 14_000
    assert usd == pytest.approx(point(stack(), 10_000_000).usd, rel=0.002)


def test_budget_and_quota_are_drawn_only_where_the_drawing_reaches_them() -> None:
    assert "budget 4,400 USD" in draw(stack(), "")
    assert "budget" not in draw(with_budget(stack(), night_usd=1_000_000), "")
    assert "quota: 250,000 requests/s of the CDN" in draw(stack(), "")
    assert "quota" not in draw(with_aws(stack(), requests_quota=10_000_000, bandwidth_quota_gbps=10_000), "")
