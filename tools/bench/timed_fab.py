"""`fab`, which also says how long the rollout itself took: from the first look at the hosts to the last line.

    python -m tools.bench.timed_fab deploy --stack uji-ukur

What is left of the whole command's time is Python's start, its imports, and asking the engine for the stack's outputs.
"""

import functools
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import ParamSpec
from unittest.mock import patch

from fabric.main import program  # pyright: ignore[reportMissingTypeStubs]  # it has none

from roles.tasks import rollouts

P = ParamSpec("P")
TAKEN = "rollout alone, s: "


def timed(act: Callable[P, None]) -> Callable[P, None]:
    """Also print how long it took."""

    @functools.wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        started = time.monotonic()
        act(*args, **kwargs)
        print(f"{TAKEN}{time.monotonic() - started:.3f}")

    return run


def seconds_alone(printed: str) -> float:
    """What it said."""
    (line,) = (line for line in printed.splitlines() if line.startswith(TAKEN))
    return float(line.removeprefix(TAKEN))


if __name__ == "__main__":
    with ExitStack() as patches:
        for name in ("deploy", "rollback"):
            patches.enter_context(patch.object(rollouts, name, timed(getattr(rollouts, name))))
        program.run(["fab", *sys.argv[1:]])
