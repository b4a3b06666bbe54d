"""What a stack's settings may say of the AWS account, of the night, and of money."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from infra.settings.location import Region, Settings

USUAL_PEAK_SHARE = 1 / 3
"""The first evening is the peak: 12 hours of a night carry what 4 hours at its peak would. An assumption: once a night
was measured, `peak_hours` says it."""

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]


_ENGINES_TIME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d) (?P<offset>[+-]\d{4}) \S+")


def _of_engine(value: object) -> object:
    """YAML's time stamps, when they aren't quoted, reach the program as Go prints them."""
    found = _ENGINES_TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{found['day']}T{found['time']}{found['offset']}" if found else value


def _day_of_engine(value: object) -> object:
    found = _ENGINES_TIME.fullmatch(value) if isinstance(value, str) else None
    return found["day"] if found else value


Moment = Annotated[dt.datetime, BeforeValidator(_of_engine), Field(strict=False)]
Day = Annotated[dt.date, BeforeValidator(_day_of_engine), Field(strict=False)]


class AwsSettings(Settings):
    """What all AWS locations of a stack share.

    Args:
        zone: The Route 53 zone of the site; `server_name` is in it.
        home_region: Where the bucket of releases and snapshots is.
        replica_region: Where that bucket is copied to.
        enabled_regions: Opt-in regions that the account has switched on (Jakarta, ap-southeast-3, is one).
        cost_centre: The tag by which accounting tells costs apart.
        alarm_email: Who gets alarms.
        waf: Whether the firewall's rate rules only count or block.
        dnssec: Whether the zone is signed.
        vcpu_quotas: Quota of running on-demand standard instances for each region, in vCPUs, as the account has it now.
        requests_quota: Quota of the CDN, in requests a second, as the account has it now.
        bandwidth_quota_gbps: Quota of the CDN, in 10^9 bits a second, as the account has it now.
        reserved_units_quotas: Quota of reserved load balancer capacity units for each region, as the account has it
            now; a region that is not named has none, as in a new account.
        group_rules_quota: Quota of rules in a security group, as the account has it now.
    """

    zone: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)
    home_region: Region
    replica_region: Region
    enabled_regions: Annotated[tuple[Region, ...], Field(strict=False)] = ()
    cost_centre: str = Field(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,64}$")
    alarm_email: Email
    waf: Literal["count", "block"] = "count"
    dnssec: bool = False
    vcpu_quotas: Mapping[Region, Annotated[int, Field(ge=0)]]
    requests_quota: int = Field(default=250_000, ge=1)
    bandwidth_quota_gbps: int = Field(default=150, ge=1)
    reserved_units_quotas: Mapping[Region, Annotated[int, Field(ge=0)]] = {}
    group_rules_quota: int = Field(default=60, ge=1)

    @model_validator(mode="after")
    def _the_copy_is_elsewhere(self) -> "AwsSettings":
        if self.home_region == self.replica_region:
            raise ValueError("replica_region must not be home_region: a copy in the same place is none")
        return self


class NightSettings(Settings):
    """The night that the stack is made for.

    Args:
        start: When its hosts are to be there, with the offset from UTC.
        end: When they are no longer needed.
        viewers: People at once.
        poll_seconds: How often each one's page asks for new figures.
        requests_per_poll: Requests that a page sends each time.
        answer_bytes: Size of an answer as sent, packed, with its headers.
        peak_hours: What the whole night's load adds up to, in hours at its peak; a third of the night if it isn't said.
        origin_percent: Part of the requests that the CDN can't answer itself and hands on to a location.
    """

    start: Moment
    end: Moment
    viewers: int = Field(default=3_000_000, ge=1, le=300_000_000)
    poll_seconds: int = Field(default=30, ge=1, le=3600)
    requests_per_poll: int = Field(default=1, ge=1, le=100)
    answer_bytes: int = Field(default=8_000, ge=100, le=10_000_000)
    peak_hours: float | None = Field(default=None, gt=0)
    origin_percent: float = Field(default=2.0, gt=0, le=100)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "NightSettings":
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("start and end need an offset, such as 2029-02-14T15:00:00+07:00")
        if self.end <= self.start:
            raise ValueError("end must be after start")
        if self.peak_hours is not None and self.peak_hours > self.hours:
            raise ValueError(f"peak_hours is {self.peak_hours:g}, and the night has only {self.hours:g} hours")
        return self

    @property
    def hours(self) -> float:
        """How long it is, in hours."""
        return (self.end - self.start) / dt.timedelta(hours=1)

    @property
    def hours_at_peak(self) -> float:
        """What its load adds up to, in hours at the peak."""
        return self.peak_hours if self.peak_hours is not None else self.hours * USUAL_PEAK_SHARE


class BudgetSettings(Settings):
    """What a stack may cost: more is refused before anything is made.

    Args:
        night_usd: The night, in USD.
        month_usd: A usual month, in USD.
        month_requests_millions: Requests of a usual month, in millions.
        rupiah_per_usd: The rate that amounts in rupiah are computed with.
        rupiah_date: The day that rate is of.
    """

    night_usd: int = Field(ge=1)
    month_usd: int = Field(ge=1)
    month_requests_millions: int = Field(default=10, ge=0)
    rupiah_per_usd: int = Field(ge=1)
    rupiah_date: Day
