"""What is published beside the count."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Announcement:
    """What the operators tell the public with it.

    Args:
        correction: Why numbers may go back; None if it is no correction.
        every_seconds: The interval in which results are published; None where there is none.
    """

    correction: str | None = None
    every_seconds: int | None = None


NOTHING = Announcement()
