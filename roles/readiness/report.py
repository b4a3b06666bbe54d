"""What `fab ready` shows: the calendar, and go or no-go."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from infra.bridge.errors import OperatorError
from roles.readiness.calendar import CalendarLine
from roles.readiness.facts import Facts
from roles.terminal import say

STYLES = {"done": "green", "later": "dim", "due": "yellow", "overdue": "bold red", "ask": "yellow"}


def show(console: Console, facts: Facts, lines: Sequence[CalendarLine]) -> None:
    """Show the calendar."""
    days = (facts.election - facts.today).days
    say(f"{facts.stack}: election {facts.election}, today {facts.today}, T{-days:+d}")
    if facts.unseen:
        say(f"its hosts were not asked: {facts.unseen}")
    table = Table("day", "T", "what", "state", "found", "how", box=None, pad_edge=False)
    for line in lines:
        table.add_row(
            str(line.date),
            f"{-line.step.days:+d}",
            line.step.what,
            f"[{STYLES[line.state]}]{line.state}[/]",
            line.found.replace("[", r"\["),
            line.step.how.replace("[", r"\["),
        )
    console.print(table)


def decide(lines: Sequence[CalendarLine]) -> None:
    """Say go, or refuse.

    Raises:
        OperatorError: Something is open whose day has come.
    """
    asked = _named(line for line in lines if line.state == "ask")
    if asked:
        say(f"a person has to confirm: {asked}")
    stopping = [line for line in lines if line.stops]
    if stopping:
        raise OperatorError(
            f"no-go: {len(stopping)} of {len(lines)} lines are overdue: {_named(stopping)}",
            next_command=stopping[0].step.how,
        )
    to_come = sum(line.state in {"later", "due"} for line in lines)
    say(f"go{' if confirmed' if asked else ''}: nothing is overdue, {to_come} of {len(lines)} lines are still to come")


def _named(lines: Iterable[CalendarLine]) -> str:
    return "; ".join(line.step.what for line in lines)
