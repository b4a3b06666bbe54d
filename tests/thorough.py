"""How much is tried where a test tries one thing after another: all of it, or a part while somebody waits."""

import datetime as dt
import os

from hypothesis import settings

QUICK = "TEGAK_QUICK"
"""The environment's variable with which a part is enough: `make unit` sets it, `make test` doesn't."""

PART = 10


def examples(count: int, *, deadline: dt.timedelta | None = None) -> settings:
    """For so many examples of Hypothesis's, or a part of them.

    Args:
        count: How many.
        deadline: How long one may take.
    """
    some = max(count // PART, 3) if os.environ.get(QUICK) else count
    return settings(max_examples=some, deadline=deadline)
