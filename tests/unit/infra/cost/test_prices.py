"""The list of prices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.errors import OperatorError
from infra.cost.instances import SIZES, vcpus
from infra.cost.prices import EVERYWHERE, Price, Tier, our_prices, read_prices
from tests.thorough import examples

ONE = """
[[price]]
key = "disk"
region = "ap-southeast-3"
unit = "GB-month"
usd = 0.096
date = 2026-11-01
source = "https://aws.amazon.com/ebs/pricing/"
confidence = "checked"
"""
TIERS = "tiers = [{ up_to = 10, usd = 0.12 }, { usd = 0.1 }]"


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ('unit = "GB-month"', 'unit = "GB-month"\nprise = 1', "price.0.prise: Extra inputs are not permitted"),
        ('source = "https://aws.amazon.com/ebs/pricing/"', "", "price.0.source: Field required"),
        ("date = 2026-11-01", "", "price.0.date: Field required"),
        ('"checked"', '"sure"', "price.0.confidence"),
        ("usd = 0.096", "", "price.0: needs either usd or tiers"),
        ("usd = 0.096", f"usd = 0.096\n{TIERS}", "price.0: needs either usd or tiers"),
        ("usd = 0.096", "usd = -1", "price.0.usd"),
        ("usd = 0.096", 'usd = "0.096"', "price.0.usd"),
        ("usd = 0.096", TIERS.replace(", { usd = 0.1 }", ""), "tiers must go up"),
        ("usd = 0.096", TIERS.replace("{ usd = 0.1 }", "{ up_to = 5, usd = 0.1 }, { usd = 0.1 }"), "tiers must go up"),
        ("usd = 0.096", "usd =", "Invalid value"),
    ],
)
def test_a_price_that_does_not_fit_is_refused(was: str, becomes: str, sentence: str) -> None:
    assert was in ONE
    with pytest.raises(OperatorError) as caught:
        read_prices(ONE.replace(was, becomes))
    assert sentence in caught.value.message


def test_no_price_is_listed_twice() -> None:
    with pytest.raises(OperatorError) as caught:
        read_prices(ONE + ONE)
    assert "disk of ap-southeast-3 is there twice" in caught.value.message


def test_a_price_that_is_not_listed_is_an_error_and_not_nothing() -> None:
    with pytest.raises(OperatorError) as caught:
        read_prices(ONE).find("disk", "eu-west-1")
    assert "no price 'disk' for eu-west-1" in caught.value.message


def transfer() -> Price:
    return our_prices().find("cdn.transfer", EVERYWHERE)


@pytest.mark.parametrize(
    ("gigabytes", "usd"),
    [(0, 0), (10_000, 1200), (10_001, 1200.10), (50_000, 5200), (150_000, 14_700), (230_400, 14_700 + 80_400 * 0.09)],
)
def test_each_part_of_the_traffic_is_paid_at_its_own_tier(gigabytes: float, usd: float) -> None:
    assert transfer().cost(gigabytes) == pytest.approx(usd)


@examples(100)
@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 10)), min_size=1, max_size=6, unique_by=lambda tier: tier[0]),
    st.floats(0, 1e7),
    st.floats(0, 1e6),
)
def test_a_tier_never_jumps_and_more_never_costs_less(
    steps: list[tuple[float, float]], quantity: float, more: float
) -> None:
    steps = sorted(steps)
    tiers = (*(Tier(up_to=end, usd=usd) for end, usd in steps), Tier(usd=1.0))
    price = Price.model_validate({**transfer().model_dump(), "tiers": tiers})
    dearest = max(tier.usd for tier in tiers)
    difference = price.cost(quantity + more) - price.cost(quantity)
    assert -1e-6 <= difference <= dearest * more + 1e-6 * max(1.0, price.cost(quantity))


def test_other_sizes_are_derived_and_say_so() -> None:
    prices = our_prices()
    large = prices.of_instance("c7g.large", "ap-southeast-3")
    assert (large.usd, large.confidence, large.note) == (0.0833, "derived", "0.5 times c7g.xlarge")
    assert prices.of_instance("c7g.xlarge", "ap-southeast-3").confidence == "checked"
    assert prices.of_instance("c7g.16xlarge", "ap-southeast-1").usd == pytest.approx(2.6656)


@pytest.mark.parametrize("instance_type", ["m7g.xlarge", "c7g.metal"])
def test_an_instance_type_whose_price_nobody_knows_is_an_error(instance_type: str) -> None:
    with pytest.raises(OperatorError):
        our_prices().of_instance(instance_type, "ap-southeast-3")


def test_vcpus_go_with_the_size_but_for_small_burstable_ones() -> None:
    assert [vcpus(f"c7g.{size}") for size in SIZES] == [1, 2, 4, 8, 16, 32, 48, 64, 96, 192]
    assert vcpus("t4g.medium") == 2
