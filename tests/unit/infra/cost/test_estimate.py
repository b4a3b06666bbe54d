"""What a stack costs."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.errors import OperatorError
from infra.cost.estimate import Estimate, estimate, origin_share
from infra.cost.load import Load, planned_night, with_load
from infra.cost.prices import our_prices
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings
from tests.thorough import examples
from tests.unit.infra.cost.stacks import stack, with_aws

WITHIN = 0.05
NATION = {"viewers": 3_000_000, "poll_seconds": 30, "answer_bytes": 8_000, "hours": 12}
TEN_MILLION = {"viewers": 10_000_000, "poll_seconds": 15, "requests_per_poll": 2, "answer_bytes": 12_000, "hours": 12}
"""Two nights that were worked out by hand, from 12 hours whose load adds up to 4 at the peak."""


def estimated(changes: Mapping[str, float] | None = None) -> Estimate:
    return estimate(with_load(stack(), changes or {}))


def with_locations(settings: StackSettings, *places: AwsLocationSettings) -> StackSettings:
    return settings.model_copy(update={"locations": places})


def test_three_million_people_cost_what_was_worked_out_by_hand() -> None:
    found = estimated(NATION)
    assert found.load.requests_per_second == 100_000
    assert found.load.gigabytes / 1000 == pytest.approx(11.5, rel=WITHIN)
    assert found.night.usd == pytest.approx(4_100, rel=WITHIN)


def test_ten_million_people_cost_what_was_worked_out_by_hand() -> None:
    found = estimated(TEN_MILLION)
    assert found.load.requests_per_second == pytest.approx(1.33e6, rel=WITHIN)
    assert found.load.gigabits_per_second == pytest.approx(128, rel=WITHIN)
    assert found.load.gigabytes / 1000 == pytest.approx(230, rel=WITHIN)
    assert found.night.usd == pytest.approx(58_000, rel=WITHIN)


def test_a_night_of_twice_the_length_has_twice_the_requests() -> None:
    assert estimated({"hours": 24}).load.requests == pytest.approx(2 * estimated({"hours": 12}).load.requests)
    measured = with_load(stack(), {"peak_hours": 3.0})
    assert planned_night(with_load(measured, {"hours": 24})).hours_at_peak == pytest.approx(6)
    assert planned_night(with_load(measured, {"hours": 2})).hours_at_peak == pytest.approx(0.5)


nights = st.fixed_dictionaries(
    {
        "viewers": st.integers(1, 300_000_000),
        "poll_seconds": st.integers(1, 3600),
        "requests_per_poll": st.integers(1, 100),
        "answer_bytes": st.integers(100, 1_000_000),
        "hours": st.integers(1, 48),
    }
)


@examples(100)
@given(night=nights, more=st.integers(0, 10_000_000), field=st.sampled_from(["viewers", "requests_per_poll", "hours"]))
def test_the_night_never_costs_less_when_more_is_asked_for(night: dict[str, int], more: int, field: str) -> None:
    most = {"viewers": 300_000_000, "requests_per_poll": 100, "hours": 48}[field]
    larger = {**night, field: min(most, night[field] + more)}
    assert estimated(larger).night.usd >= estimated(night).night.usd


@examples(100)
@given(night=nights, more=st.integers(1, 1000))
def test_the_night_never_costs_more_when_pages_ask_less_often(night: dict[str, int], more: int) -> None:
    slower = {**night, "poll_seconds": min(3600, night["poll_seconds"] + more)}
    assert estimated(slower).night.usd <= estimated(night).night.usd


@examples(100)
@given(night=nights)
def test_no_item_is_negative_and_the_bill_is_the_sum_of_its_places(night: dict[str, int]) -> None:
    for bill in (estimated(night).night, estimated(night).month):
        assert all(item.usd >= 0 for item in bill.items)
        places = {item.where for item in bill.items}
        assert bill.usd == pytest.approx(sum(bill.usd_of(place) for place in places))
        assert bill.believed_usd <= bill.usd


def test_a_location_more_costs_more_in_every_month() -> None:
    settings = stack()
    both = settings.of_kind(AwsLocationSettings)
    one = estimate(with_locations(settings, both[0]))
    two = estimate(with_locations(settings, *both))
    assert two.month.usd > one.month.usd + 400
    assert one.month.usd_of("singapura") == 0


def test_the_usual_month_does_not_depend_on_how_many_come_in_the_night() -> None:
    assert estimated({"viewers": 1}).month.usd == estimated({"viewers": 100_000_000}).month.usd


def test_what_one_owns_costs_nothing_here_but_a_health_check() -> None:
    month = estimated().month
    assert month.usd_of("kementerian") == 0
    assert [item.name for item in month.items if "own machines" in item.name] == ["health checks of own machines"]


def test_the_locations_share_what_the_cdn_asks_by_their_hosts() -> None:
    settings = stack()
    jakarta, singapore = settings.of_kind(AwsLocationSettings)
    assert [origin_share(settings, place) for place in (jakarta, singapore)] == [8 / 18, 8 / 18]


def test_units_beyond_the_reserved_ones_are_paid_only_while_they_are_used() -> None:
    def beyond(changes: Mapping[str, float]) -> float:
        return estimated(changes).night.usd_where(lambda item: item.name == "units used beyond them")

    assert beyond(NATION) == 0
    used = Load.of(planned_night(with_load(stack(), TEN_MILLION))).origin_gigabytes_per_hour * 16 / 18
    assert beyond(TEN_MILLION) == pytest.approx(max(0.0, used - 1000) * 4 * 0.008)
    assert beyond({**TEN_MILLION, "origin_percent": 20.0}) == pytest.approx((10 * used - 1000) * 4 * 0.008)


def test_what_the_night_costs_most_for_rests_on_prices_marked_as_belief() -> None:
    night = estimated(NATION).night

    def usd(name: str) -> tuple[float, bool]:
        (item,) = [item for item in night.items if item.name == name]
        return round(item.usd), item.is_belief

    assert usd("CDN: answers sent") == (1352, False)
    assert usd("CDN: requests") == (1728, True)
    assert usd("firewall: requests") == (864, True)


def test_every_listed_price_is_used_by_some_stack() -> None:
    elsewhere = with_aws(stack(), home_region="ap-southeast-1", replica_region="ap-southeast-3")
    bills = [bill for settings in (stack(), elsewhere) for bill in (estimate(settings).night, estimate(settings).month)]
    used = {(item.price.key, item.price.region) for bill in bills for item in bill.items}
    assert {(price.key, price.region) for price in our_prices().prices} == used


def test_rupiah_are_computed_with_the_budgets_rate() -> None:
    assert estimated().rupiah(100) == 1_650_000


def test_a_stack_without_aws_has_no_bill() -> None:
    planned = {"night": stack().night, "budget": stack().budget}
    for without in (stack("lokal"), stack("lokal").model_copy(update=planned)):
        with pytest.raises(OperatorError) as caught:
            estimate(without)
        assert "nothing of this stack is on AWS" in caught.value.message


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"viewers": 0}, "--viewers is 0"),
        ({"poll_seconds": 4000}, "--poll-seconds is 4000"),
        ({"hours": 0}, "--hours is 0"),
        ({"hours": 1e300}, "--hours is 1e+300"),
        ({"hours": float("nan")}, "--hours is nan"),
        ({"hours": 2, "peak_hours": 3.0}, "peak_hours is 3, and the night has only 2 hours"),
    ],
)
def test_a_night_that_can_not_be_is_refused_with_its_option(changes: dict[str, float], sentence: str) -> None:
    with pytest.raises(OperatorError) as caught:
        with_load(stack(), changes)
    assert sentence in str(caught.value)
