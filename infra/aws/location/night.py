"""When a location grows for the night, and when it may shrink again."""

import datetime as dt
from dataclasses import dataclass

from infra.settings.account import NightSettings

LEAD = dt.timedelta(minutes=30)
"""A host that is new takes about five minutes to serve, the load balancer's reserved capacity a few; and then there is
time to look at what didn't come."""

MARGIN = dt.timedelta(minutes=5)
"""Nothing is scheduled this shortly before its time: AWS refuses what is past when it is asked."""


@dataclass(frozen=True)
class NightPlan:
    """The night as one run of the program sees it.

    The program says what is right now, and schedules what will be right later. So `pulumi up` during the night takes
    nothing back, and after the night asks for nothing that is past.

    Args:
        starts: When the location begins to grow, in UTC.
        ends: When it may shrink, in UTC.
        now: When the program runs.
    """

    starts: dt.datetime
    ends: dt.datetime
    now: dt.datetime

    @classmethod
    def of(cls, night: NightSettings, now: dt.datetime) -> "NightPlan":
        """The plan of a stack's night.

        Args:
            night: The stack's settings of it.
            now: When the program runs, with a time zone.
        """
        return cls((night.start - LEAD).astimezone(dt.UTC), night.end.astimezone(dt.UTC), now)

    @property
    def is_on(self) -> bool:
        """Whether the location has to have its night's size now."""
        return not self.is_ahead(self.starts) and self.is_ahead(self.ends)

    def is_ahead(self, moment: dt.datetime) -> bool:
        """Whether something can still be scheduled for a moment."""
        return moment > self.now + MARGIN
