"""What the service writes into its host's journal: little, whatever it is asked and however often it fails.

journald drops what one unit says too much of, whatever it is: a fault that each request runs into must not push out the
one line that tells why.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.config import LOGGING_CONFIG

AT_ONCE = 3
EVERY_SECONDS = 30


@dataclass
class _Kind:
    since: float
    said: int = 0
    left_out: int = 0


class FewOfAKind(logging.Filter):
    """Lets some records of a kind through, and says with the next one how many it left out.

    Args:
        at_once: How many of a kind are let through in `every_seconds`.
        every_seconds: After so many seconds they are counted anew.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        at_once: int = AT_ONCE,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._at_once = at_once
        self._every_seconds = every_seconds
        self._clock = clock
        self._kinds: dict[tuple[object, ...], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is let through: of a kind are those of one line of code and one type of error."""
        now = self._clock()
        kind = (record.pathname, record.lineno, record.exc_info[0] if record.exc_info else None)
        seen = self._kinds.setdefault(kind, _Kind(now))
        if now - seen.since >= self._every_seconds:
            if seen.left_out:
                record.msg = f"{record.msg} ({seen.left_out} more of this kind in the {now - seen.since:.0f} s before)"
            seen = self._kinds[kind] = _Kind(now)
        if seen.said >= self._at_once:
            seen.left_out += 1
            return False
        seen.said += 1
        return True


def log_config() -> dict[str, Any]:
    """Uvicorn's own, with few of a kind."""
    default = {**LOGGING_CONFIG["handlers"]["default"], "filters": ["few"]}
    return {
        **LOGGING_CONFIG,
        "filters": {"few": {"()": FewOfAKind}},
        "handlers": {**LOGGING_CONFIG["handlers"], "default": default},
    }
