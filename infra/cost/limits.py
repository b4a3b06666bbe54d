"""What a stack needs of the account's quotas, and of its own hosts, against what there is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from infra.cost.instances import vcpus
from infra.cost.load import Load, planned_night
from infra.settings.account import AwsSettings
from infra.settings.location import AwsLocationSettings
from infra.settings.regions import GLOBAL_REGION
from infra.settings.stack import StackSettings

CDN_LIST_RULES = 55
"""What the prefix list of the CDN's addresses counts as in a security group, whatever it holds now (weight of
com.amazonaws.global.cloudfront.origin-facing)."""


def figure(number: float) -> str:
    """A number for people: whole from 100, three digits below."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"  # noqa: PLR2004  # three digits


@dataclass(frozen=True)
class Quota:
    """A quota of the account, as Service Quotas names it.

    Args:
        service: Its service's code.
        code: Its own code.
        region: Where it is asked for.
    """

    service: str
    code: str
    region: str


@dataclass(frozen=True)
class Limit:
    """Something that must suffice.

    Args:
        name: What it is.
        where: The region, or what it belongs to.
        needed: How much the stack needs.
        there: How much there is.
        setting: The setting that says how much there is.
        quota: The account's quota; None for what the stack's own settings decide.
    """

    name: str
    where: str
    needed: float
    there: float
    setting: str
    quota: Quota | None = None

    @property
    def is_enough(self) -> bool:
        """Whether it suffices."""
        return self.needed <= self.there

    @property
    def factor(self) -> float:
        """How many times what there is, is needed."""
        return self.needed / self.there if self.there else math.inf if self.needed else 0.0

    @property
    def raised_by(self) -> str:
        """What to type to get as much as is needed."""
        if self.quota is None:
            return f"more in {self.setting}"
        return (
            f"aws service-quotas request-service-quota-increase --region {self.quota.region}"
            f" --service-code {self.quota.service} --quota-code {self.quota.code}"
            f" --desired-value {math.ceil(self.needed)}"
        )

    @property
    def problem(self) -> str:
        """The sentence for whoever is stopped by it."""
        of = f"quota {self.quota.code} of {self.quota.service}; " if self.quota else ""
        return (
            f"{self.name} ({self.where}): {figure(self.needed)} are needed, and there are {figure(self.there)}"
            f" ({of}{self.setting})"
        )


def limits(settings: StackSettings) -> tuple[Limit, ...]:
    """All of a stack's limits; none if nothing of it is on AWS."""
    if settings.aws is None:
        return ()
    return (*_of_account(settings, settings.aws), *_of_hosts(settings))


def _of_account(settings: StackSettings, aws: AwsSettings) -> Iterator[Limit]:
    load = Load.of(planned_night(settings))
    locations = settings.of_kind(AwsLocationSettings)
    for region in dict.fromkeys(location.region for location in locations):
        here = [location for location in locations if location.region == region]
        yield Limit(
            "vCPUs of running hosts",
            region,
            sum(location.hosts.most * vcpus(location.instance_type) for location in here),
            aws.vcpu_quotas.get(region, 0),
            "tegak:aws.vcpu_quotas",
            Quota("ec2", "L-1216C47A", region),
        )
        yield Limit(
            "reserved load balancer units",
            region,
            sum(location.reserved_units for location in here),
            aws.reserved_units_quotas.get(region, 0),
            "tegak:aws.reserved_units_quotas",
            Quota("elasticloadbalancing", "L-8A66D0E6", region),
        )
        yield Limit(
            "rules of the balancer's group",
            region,
            CDN_LIST_RULES,
            aws.group_rules_quota,
            "tegak:aws.group_rules_quota",
            Quota("vpc", "L-0EA8095F", region),
        )
    yield Limit(
        "requests/s of the CDN",
        "distribution",
        load.requests_per_second,
        aws.requests_quota,
        "tegak:aws.requests_quota",
        Quota("cloudfront", "L-A2C80159", GLOBAL_REGION),
    )
    yield Limit(
        "Gbps of the CDN",
        "distribution",
        load.gigabits_per_second,
        aws.bandwidth_quota_gbps,
        "tegak:aws.bandwidth_quota_gbps",
        Quota("cloudfront", "L-0F1E9017", GLOBAL_REGION),
    )


def _of_hosts(settings: StackSettings) -> Iterator[Limit]:
    """What the CDN hands on must be answered when the largest location is lost too, if there is another one."""
    locations = settings.of_kind(AwsLocationSettings)
    answers = sorted(location.hosts.most * location.hosts.requests_per_second for location in locations)
    left = answers[:-1] or answers
    lost = "all locations but the largest" if len(answers) > 1 else locations[0].name
    yield Limit(
        "requests/s of the hosts",
        lost,
        Load.of(planned_night(settings)).origin_requests_per_second,
        sum(left),
        "hosts.most or hosts.requests_per_second",
    )
