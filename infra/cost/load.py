"""How much the public asks for during the night.

The load of an evening is not even. What is paid depends on its sum, what breaks depends on its peak: the night's
settings say the peak (`viewers`, `poll_seconds`, `requests_per_poll`) and to how many hours at the peak all of it adds
up (`peak_hours`, a third of the night if it isn't said).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from infra.bridge.errors import OperatorError
from infra.settings.account import NightSettings
from infra.settings.stack import StackSettings

HOUR_SECONDS = 3600
LONGEST_HOURS = 35 * 24
"""The count takes 35 days."""

GB, MILLION = 10**9, 10**6


@dataclass(frozen=True)
class Load:
    """What the CDN has to answer.

    Args:
        requests_per_second: At the peak.
        gigabits_per_second: At the peak.
        requests: In the whole night.
        gigabytes: In the whole night.
        origin_requests_per_second: What of the peak is left for the locations.
        origin_gigabytes_per_hour: What the locations send at the peak.
    """

    requests_per_second: float
    gigabits_per_second: float
    requests: float
    gigabytes: float
    origin_requests_per_second: float
    origin_gigabytes_per_hour: float

    @classmethod
    def of(cls, night: NightSettings) -> "Load":
        """The load of a night."""
        peak = night.viewers / night.poll_seconds * night.requests_per_poll
        requests = peak * night.hours_at_peak * HOUR_SECONDS
        origin = peak * night.origin_percent / 100
        return cls(
            requests_per_second=peak,
            gigabits_per_second=peak * night.answer_bytes * 8 / GB,
            requests=requests,
            gigabytes=requests * night.answer_bytes / GB,
            origin_requests_per_second=origin,
            origin_gigabytes_per_hour=origin * night.answer_bytes * HOUR_SECONDS / GB,
        )


def planned_night(settings: StackSettings) -> NightSettings:
    """The night of a stack.

    Raises:
        OperatorError: Its settings have none.
    """
    if settings.night is None:
        raise OperatorError(
            "this stack's settings have no tegak:night, so there is no load to plan for",
            next_command="fab cost --stack produksi",
        )
    return settings.night


def with_load(settings: StackSettings, changes: Mapping[str, float | None]) -> StackSettings:
    """The same stack on another night.

    Args:
        settings: The stack's settings.
        changes: Fields of `NightSettings` that are different, and `hours`: a night of the same shape that is as
            long. None changes nothing.

    Raises:
        OperatorError: A value is out of bounds.
    """
    if not changes:
        return settings
    given = {name: value for name, value in changes.items() if value is not None}
    night = planned_night(settings)
    hours = given.pop("hours", None)
    if hours is not None:
        if not 0 < hours <= LONGEST_HOURS:
            raise OperatorError(
                f"--hours is {hours:g}: it must be more than 0, and {LONGEST_HOURS} at most",
                next_command="fab --help cost",
            )
        stretched = {"end": night.start + dt.timedelta(hours=hours)}
        stretched |= {"peak_hours": night.hours_at_peak * hours / night.hours} if night.peak_hours else {}
        night = night.model_copy(update=stretched)
    try:
        night = NightSettings.model_validate({**night.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-") if first["loc"] else "hours"
        raise OperatorError(
            f"--{option} is {first['input']!r}: {first['msg']}", next_command="fab --help cost"
        ) from error
    return settings.model_copy(update={"night": night})
