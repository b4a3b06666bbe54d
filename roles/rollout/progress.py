"""What the operator sees of a rollout: a table of hosts and steps that moves, or plain lines without a terminal."""

import statistics
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from roles.hosts.audit import StepTime
from roles.rollout.runner import Reporter
from roles.terminal import say, show_table

ANSWERS = {"yes": True, "y": True, "no": False, "n": False}
SIGNS = {"…": "[yellow]…[/]", "done": "[green]✓[/]", "failed": "[red]✗[/]"}


class PlainReporter:
    """A line for each phase and each step that has ended."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()

    def phase(self, name: str) -> None:
        """A phase begins."""
        self.note(f"== {name}")

    def step(self, host: str, step: str, state: str, seconds: float | None = None) -> None:
        """A step has ended; where it begins is a line too, for whoever follows a log."""
        self.note(f"{host}: {step}{'' if seconds is None else f': {state}, {seconds:.1f} s'}")

    def note(self, text: str) -> None:
        """Anything else."""
        with self._mutex:
            say(text)

    def ask(self, question: str) -> bool | None:  # noqa: ARG002  # Reporter's name
        """Nobody is there."""
        return None


class LiveReporter:
    """A table with a row for each host, drawn anew as it changes; notes scroll above it."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._mutex = threading.Lock()
        self._phase = ""
        self._rows: dict[str, list[str]] = {}

    def phase(self, name: str) -> None:
        """A phase begins."""
        with self._mutex:
            self._phase = name
        self._draw()

    def step(self, host: str, step: str, state: str, seconds: float | None = None) -> None:
        """A step begins or has ended."""
        cell = f"{step} {SIGNS[state]}" + ("" if seconds is None else f" {seconds:.1f} s")
        with self._mutex:
            row = self._rows.setdefault(host, [])
            if seconds is not None and row:
                row.pop()
            row.append(cell)
        self._draw()

    def note(self, text: str) -> None:
        """Anything else."""
        self._live.console.print(text, markup=False, highlight=False)

    def ask(self, question: str) -> bool | None:
        """Ask until the answer is one; None where the terminal can't be read, or its end comes first."""
        if not sys.stdin.isatty():
            return None
        self._live.stop()
        try:
            while True:
                answer = self._live.console.input(f"{question} yes: go on; no: go back; end of file: leave it: ")
                if answer.strip().lower() in ANSWERS:
                    return ANSWERS[answer.strip().lower()]
        except (EOFError, OSError):
            return None
        finally:
            self._live.start()

    def _draw(self) -> None:
        with self._mutex:
            table = Table(Column("host", no_wrap=True), self._phase, box=None, pad_edge=False)
            for host, cells in self._rows.items():
                table.add_row(host, "  ".join(cells[-4:]))
        self._live.update(table)


@contextmanager
def reporting() -> Generator[Reporter, None, None]:
    """A reporter for where the output goes."""
    console = Console()
    if not console.is_terminal:
        yield PlainReporter()
        return
    with Live(console=console, refresh_per_second=10) as live:
        yield LiveReporter(live)


def show_times(steps: Sequence[StepTime]) -> None:
    """The time of each step over all hosts, and the slowest host."""
    if not steps:
        return
    rows: list[tuple[str, ...]] = []
    kinds = [_kind(step) for step in steps]
    for kind in dict.fromkeys(kinds):
        of_kind = [step for step in steps if _kind(step) == kind]
        longest = max(of_kind, key=lambda step: step.seconds)
        median = statistics.median(step.seconds for step in of_kind)
        rows.append((kind, str(len(of_kind)), f"{median:.1f}", f"{longest.seconds:.1f}", longest.host))
    show_table(("step", "hosts", "median, s", "longest, s", "on"), rows)
    totals = {host: sum(s.seconds for s in steps if s.host == host) for host in dict.fromkeys(s.host for s in steps)}
    slowest = max(totals, key=lambda host: totals[host])
    say(f"slowest host: {slowest}, {totals[slowest]:.1f} s")


def _kind(step: StepTime) -> str:
    return step.step.replace(f" {step.host}", "")
