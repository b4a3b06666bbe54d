"""What the operator sees: steps as they happen, bars where there is a terminal, plain lines where there is none."""

import errno
import functools
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from infra.bridge.errors import OperatorError
from infra.bridge.files import UMASK

COLUMN_GAP = "  "
NARROWEST_LAST_COLUMN = 20
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
            sys.stderr.write(of_this_machine(error).report() + "\n")
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            sys.stderr.write(INTERRUPTED)
            raise SystemExit(130) from None

    return run


def of_this_machine(error: OSError) -> OperatorError:
    """What failed on a file of this machine, as a sentence for the operator."""
    where = str(error.filename) if error.filename else "this machine"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
        directory = Path(where).parent if error.filename else Path()
        return OperatorError(f"{error.strerror}: {where}", next_command=f"df -h {shlex.quote(str(directory))}")
    if error.filename:
        return OperatorError(f"{error.strerror or error}: {where}", next_command=f"ls -ld {shlex.quote(where)}")
    return OperatorError(f"{error.strerror or error}", next_command="fab status")


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


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Show a table of which nothing is cut off: two hosts must never look alike.

    Its last column is wrapped where it has to be. Where even that is too wide, each row is a line of its own.

    Args:
        headers: Of the columns.
        rows: A cell for each column.
    """
    console = Console(markup=False, highlight=False)
    widths = [max(cell_len(str(cell)) for cell in column) for column in zip(headers, *rows, strict=True)]
    *fixed, last = (width + len(COLUMN_GAP) for width in widths)
    if not console.is_terminal:
        console.width = sum(fixed) + last
    if sum(fixed) + min(last, NARROWEST_LAST_COLUMN) > console.width:
        for row in rows:
            console.print(
                Text(COLUMN_GAP).join(Text(cell) if isinstance(cell, str) else cell for cell in row), soft_wrap=True
            )
        return
    columns = [*(Column(header, no_wrap=True) for header in headers[:-1]), Column(headers[-1], overflow="fold")]
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    console.print(table)
