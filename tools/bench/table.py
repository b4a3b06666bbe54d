"""What a benchmark prints: rows of a Markdown table, ready for docs/benchmarks.md."""

import os
import sys
import time
from collections.abc import Callable


def heading(title: str, *columns: str) -> None:
    """Begin a table."""
    _print(f"\n### {title} ({os.cpu_count()} cores)\n")
    row(*columns)
    row(*("---" for _ in columns))


def row(*cells: str) -> None:
    """Add a row."""
    _print(f"| {' | '.join(cells)} |")


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    started = time.monotonic()
    act()
    return time.monotonic() - started


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
