"""What a stack's settings may say of the AWS account, of the night, and of money."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from infra.location_settings import Region, Settings

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]


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
        answer_bytes: Size of an answer as sent, packed, with its headers.
    """

    start: Annotated[dt.datetime, Field(strict=False)]
    end: Annotated[dt.datetime, Field(strict=False)]
    viewers: int = Field(default=3_000_000, ge=1, le=300_000_000)
    poll_seconds: int = Field(default=30, ge=1, le=3600)
    answer_bytes: int = Field(default=8_000, ge=100, le=10_000_000)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "NightSettings":
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("start and end need an offset, such as 2029-02-14T15:00:00+07:00")
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    @property
    def hours(self) -> float:
        """How long it is, in hours."""
        return (self.end - self.start) / dt.timedelta(hours=1)


class BudgetSettings(Settings):
    """What a stack may cost: more is refused before anything is made.

    Args:
        night_usd: The night, in USD.
        month_usd: A usual month, in USD.
        rupiah_per_usd: The rate that amounts in rupiah are computed with.
        rupiah_date: The day that rate is of.
    """

    night_usd: int = Field(ge=1)
    month_usd: int = Field(ge=1)
    rupiah_per_usd: int = Field(ge=1)
    rupiah_date: Annotated[dt.date, Field(strict=False)]
