"""What the operator sees: steps as they happen, bars where there is a terminal, plain lines where there is none."""

import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from infra.bridge.errors import OperatorError
from infra.bridge.files import UMASK

PLAIN_EVERY_SECONDS = 5
WORKING_EVERY_SECONDS = 15
INTERRUPTED = """error: interrupted; what was done so far stays
next: fab status; a rollout goes on with fab resume, back with fab abort
"""

P = ParamSpec("P")
R = TypeVar("R")


def operator_command(function: Callable[P, R]) -> Callable[P, R]:
    """End a task's operator error as its report and exit code, without a traceback."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        os.umask(UMASK)
        try:
            return function(*args, **kwargs)
        except OperatorError as error:
            sys.stderr.write(error.report() + "\n")
            raise SystemExit(error.exit_code) from None
        except OSError as error:
            # A file of this machine: what is made is renamed into place when it is whole, so none is left half-written.
            sys.stderr.write(f"error: {error.strerror}: {error.filename or 'writing'}\nnext: df -h . and ls -l\n")
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            sys.stderr.write(INTERRUPTED)
            raise SystemExit(130) from None

    return run


def say(line: str) -> None:
    """Show a step."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def build_progress() -> Generator[Callable[[str, int, int], None], None, None]:
    """Show how far something is: a bar, or a line now and then where there is no terminal."""
    console = Console()
    if not console.is_terminal:
        yield _plain_progress()
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), "{task.percentage:>3.0f}%", TimeElapsedColumn()
    ) as bars:
        tasks: dict[str, Any] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done)

        yield show


@contextmanager
def working(step: str) -> Generator[None, None, None]:
    """Show that something that says little goes on: a counter of seconds, or a line now and then without a terminal."""
    console = Console()
    if console.is_terminal:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), transient=True) as bars:
            bars.add_task(step)
            yield
        return
    ended, started = threading.Event(), time.monotonic()

    def tell() -> None:
        while not ended.wait(WORKING_EVERY_SECONDS):
            say(f"{step}: {time.monotonic() - started:.0f} s")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _plain_progress() -> Callable[[str, int, int], None]:
    said = [("", 0.0)]

    def show(step: str, done: int, total: int) -> None:
        last_step, last_time = said[0]
        now = time.monotonic()
        if step != last_step or done == total or now - last_time >= PLAIN_EVERY_SECONDS:
            said[0] = (step, now)
            say(f"{step}: {100 * done // max(total, 1)} %")

    return show
