"""Quotas and budgets: what stops a stack before anything of it is made."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from infra.bridge.errors import OperatorError
from infra.cost.estimate import estimate
from infra.cost.guard import budget_problems, quota_problems, refuse_over_limits
from infra.cost.limits import Limit, limits
from infra.cost.load import with_load
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings
from infra.site import Site
from tests.unit.infra.cost.stacks import stack, with_aws, with_budget

Change = Callable[[StackSettings], StackSettings]


def limit(settings: StackSettings, name: str, where: str) -> Limit:
    (found,) = [found for found in limits(settings) if (found.name, found.where) == (name, where)]
    return found


def with_hosts(**changes: object) -> Change:
    """The first location with other hosts, or otherwise changed."""

    def change(settings: StackSettings) -> StackSettings:
        first, *others = settings.locations
        assert isinstance(first, AwsLocationSettings)
        hosts = first.hosts.model_copy(update=changes)
        return settings.model_copy(update={"locations": (first.model_copy(update={"hosts": hosts}), *others)})

    return change


def account(**changes: object) -> Change:
    """Another account."""
    return lambda settings: with_aws(settings, **changes)


def night(**changes: float) -> Change:
    """Another night."""
    return lambda settings: with_load(settings, changes)


@pytest.mark.parametrize("name", ["produksi", "staging"])
def test_our_own_stacks_are_within_their_budgets_and_quotas(name: str) -> None:
    assert budget_problems(stack(name)) == []
    assert quota_problems(stack(name)) == []


@pytest.mark.parametrize("name", ["produksi", "staging"])
def test_our_own_budgets_are_at_most_a_tenth_over_the_estimate(name: str) -> None:
    found = estimate(stack(name))
    assert found.budget.night_usd <= 1.1 * found.night.usd + 1
    assert found.budget.month_usd <= 1.1 * found.month.usd + 1


def test_the_budget_is_exceeded_by_a_dollar_and_not_by_a_cent() -> None:
    found = estimate(stack())
    just = with_budget(stack(), night_usd=int(found.night.usd) + 1, month_usd=int(found.month.usd) + 1)
    assert budget_problems(just) == []
    over = with_budget(stack(), night_usd=int(found.night.usd), month_usd=int(found.month.usd))
    night, month = int(found.night.usd), int(found.month.usd)
    assert budget_problems(over) == [
        f"the night is estimated at {night + 1:,} USD, and tegak:budget.night_usd is {night:,} USD",
        f"a usual month is estimated at {month + 1:,} USD, and tegak:budget.month_usd is {month:,} USD",
    ]


def test_vcpus_are_counted_for_the_most_hosts_of_all_locations_in_a_region() -> None:
    assert limit(stack(), "vCPUs of running hosts", "ap-southeast-3").needed == 16 * 4
    first, second, *others = stack().locations
    moved = second.model_copy(update={"region": "ap-southeast-3"})
    together = stack().model_copy(update={"locations": (first, moved, *others)})
    assert limit(together, "vCPUs of running hosts", "ap-southeast-3").needed == 2 * 16 * 4


def test_ten_million_people_need_five_times_the_usual_requests_and_not_more_bandwidth() -> None:
    settings = with_load(
        stack(), {"viewers": 10_000_000, "poll_seconds": 15, "requests_per_poll": 2, "answer_bytes": 12_000}
    )
    requests = limit(settings, "requests/s of the CDN", "distribution")
    assert round(requests.factor, 1) == 5.3
    assert requests.raised_by == (
        "aws service-quotas request-service-quota-increase --region us-east-1"
        " --service-code cloudfront --quota-code L-A2C80159 --desired-value 1333334"
    )
    assert limit(settings, "Gbps of the CDN", "distribution").is_enough


@pytest.mark.parametrize(
    ("change", "where", "sentence"),
    [
        (with_hosts(most=25), "vCPUs of running hosts (ap-southeast-3)", "100 are needed, and there are 96"),
        (account(vcpu_quotas={}), "vCPUs of running hosts (ap-southeast-1)", "64 are needed, and there are 0"),
        (
            account(reserved_units_quotas={"ap-southeast-3": 499}),
            "reserved load balancer units (ap-southeast-3)",
            "500 are needed, and there are 499 (quota L-8A66D0E6 of elasticloadbalancing; tegak:aws.reserved_",
        ),
        (
            account(group_rules_quota=50),
            "rules of the balancer's group (ap-southeast-3)",
            "55 are needed, and there are 50",
        ),
        (night(viewers=7_600_000), "requests/s of the CDN", "253,333 are needed, and there are 250,000"),
        (night(answer_bytes=200_000), "Gbps of the CDN", "160 are needed, and there are 150"),
    ],
)
def test_a_quota_that_does_not_suffice_is_told_with_both_numbers(change: Change, where: str, sentence: str) -> None:
    (problem,) = [problem for problem in quota_problems(change(stack())) if problem.startswith(where)]
    assert sentence in problem


def test_hosts_must_answer_when_the_largest_location_is_lost() -> None:
    settings = with_hosts(most=100)(stack())
    hosts = limit(settings, "requests/s of the hosts", "all locations but the largest")
    assert (hosts.needed, hosts.there) == (2000, 16_000)
    alone = stack().model_copy(update={"locations": stack().locations[:1]})
    assert limit(alone, "requests/s of the hosts", "jakarta").there == 16_000


def test_what_the_stack_decides_itself_is_no_quota_problem() -> None:
    settings = with_load(stack(), {"origin_percent": 100.0})
    assert not limit(settings, "requests/s of the hosts", "all locations but the largest").is_enough
    assert quota_problems(settings) == []


def test_a_quota_of_nothing_is_an_infinite_factor_only_if_something_is_needed() -> None:
    assert limit(with_aws(stack(), vcpu_quotas={}), "vCPUs of running hosts", "ap-southeast-3").factor == float("inf")
    nothing = limit(stack("staging"), "reserved load balancer units", "ap-southeast-3")
    assert (nothing.there, nothing.factor, nothing.is_enough) == (0, 0, True)


def test_a_stack_over_its_limits_is_refused_with_all_of_them_in_one_sentence() -> None:
    settings = with_aws(with_budget(stack(), night_usd=1), vcpu_quotas={})
    with pytest.raises(OperatorError) as caught:
        refuse_over_limits("produksi", settings)
    assert "the night is estimated at" in caught.value.message
    assert "vCPUs of running hosts (ap-southeast-3)" in caught.value.message
    assert "nothing was made" in caught.value.message
    assert caught.value.next_command == "fab cost --stack produksi"


def test_a_stack_without_aws_has_no_limits_of_an_account() -> None:
    assert limits(stack("lokal")) == ()
    assert budget_problems(stack("lokal")) == quota_problems(stack("lokal")) == []
    refuse_over_limits("lokal", stack("lokal"))


def test_the_program_refuses_before_it_looks_at_anything_else() -> None:
    nothing = cast("Any", None)
    with pytest.raises(OperatorError) as caught:
        Site("produksi", with_budget(stack(), night_usd=1), nothing)
    assert "over its limits, and nothing was made" in caught.value.message
