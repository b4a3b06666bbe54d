"""What is known when readiness is judged, and what a look at it can find."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from infra.settings.stack import StackSettings
from roles.hosts.audit import Entry
from roles.hosts.state import Observation

WIB = dt.timezone(dt.timedelta(hours=7), "WIB")
"""Western Indonesian time: what the calendar of the election is in."""

Answer = Literal["done", "open", "ask"]
"""`done`, `open`: it was looked at. `ask`: only a person can say."""


@dataclass(frozen=True)
class Finding:
    """What a look found.

    Args:
        answer: Whether it is as it should be.
        text: What was found, for people.
    """

    answer: Answer
    text: str


@dataclass(frozen=True)
class Facts:
    """What is known.

    Args:
        stack: The stack's name.
        settings: Its settings.
        election: The day of the election.
        today: The day on which readiness is judged.
        rehearsal: The settings of the stack that is rehearsed on; None if there is no such stack.
        observed: What its hosts say; None if they could not be asked.
        unseen: Why they could not be asked.
    """

    stack: str
    settings: StackSettings
    election: dt.date
    today: dt.date
    rehearsal: StackSettings | None = None
    observed: Observation | None = None
    unseen: str = ""

    def moment(self, hour: int) -> dt.datetime:
        """An hour of the election's day, in WIB; 24 is its end."""
        return dt.datetime.combine(self.election, dt.time(), WIB) + dt.timedelta(hours=hour)

    def newest(self, action: str, days: int) -> Entry | None:
        """The newest such entry of the log that succeeded and is at most so many days before the election."""
        if self.observed is None:
            return None
        since = self.moment(0) - dt.timedelta(days=days)
        entries = (e for e in reversed(self.observed.log.entries) if e.action == action and e.result == "ok")
        return next((entry for entry in entries if entry.at >= since), None)
