"""What a stack will cost and whether it is ready, before its night. It need not be up for that."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from infra.cost.estimate import estimate
from infra.cost.load import planned_night, with_load
from infra.cost.plot import draw
from roles.command_line import number_option
from roles.hosts.state import Observation, observe
from roles.readiness import report as readiness_report
from roles.readiness.calendar import judge
from roles.readiness.cost_report import brief, console_for_output, show
from roles.readiness.facts import WIB, Facts
from roles.stack.names import PRODUCTION, REHEARSAL
from roles.stack.settings import read_stack_settings
from roles.stack.stack import open_stack
from roles.terminal import say


def show_cost(
    project: Path, stack: str, asked: Mapping[str, str | None], *, brief_only: bool = False, plot: str | None = None
) -> None:
    """Show what a stack costs.

    Args:
        project: The checkout.
        stack: The stack.
        asked: Settings of the night that are different, as they were typed.
        brief_only: Only the few lines that decide.
        plot: Where the plot is written, as SVG.

    Raises:
        OperatorError: There is no such stack, or what was typed doesn't fit.
    """
    numbers = {
        name: number_option(name.replace("_", "-"), text, "cost", whole=name != "hours")
        for name, text in asked.items()
        if text is not None
    }
    settings = with_load(read_stack_settings(project, stack), numbers)
    found = estimate(settings)
    if brief_only:
        for line in brief(stack, settings, found):
            say(line)
    else:
        show(console_for_output(), stack, settings, found)
    if plot:
        write_whole(Path(plot), draw(settings, f"What the night costs: {stack}").encode())
        say(f"plot: {plot}")


def look_at_hosts(project: Path, stack: str) -> tuple[Observation | None, str]:
    """Ask the stack's hosts; or the reason why that can't be."""
    try:
        with open_stack(project, stack) as opened:
            return observe(opened.fleet), ""
    except OperatorError as error:
        return None, error.message


def show_readiness(
    project: Path,
    stack: str,
    election: str | None,
    today: str | None,
    look: Callable[[Path, str], tuple[Observation | None, str]] = look_at_hosts,
) -> None:
    """Show whether a stack is ready.

    Args:
        project: The checkout.
        stack: The stack.
        election: The day of the election, as it was typed; None for the day of `tegak:night`.
        today: The day on which it is judged, as it was typed; None for the day it is.
        look: Asks the hosts.

    Raises:
        OperatorError: It is not, or there is no such stack or day.
    """
    settings = read_stack_settings(project, stack)
    if settings.night is None and election is None:
        raise OperatorError(
            f"stack '{stack}' has no tegak:night: its day has to be said",
            next_command=f"fab ready --stack {stack} --election 2029-02-14",
        )
    day = _day("election", election) if election else planned_night(settings).start.astimezone(WIB).date()
    rehearsal = read_stack_settings(project, REHEARSAL) if stack == PRODUCTION else None
    observed, unseen = look(project, stack)
    judged = _day("today", today) if today else dt.datetime.now(WIB).date()
    facts = Facts(stack, settings, day, judged, rehearsal, observed, unseen)
    lines = judge(facts)
    readiness_report.show(console_for_output(), facts, lines)
    readiness_report.decide(lines)


def _day(option: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise OperatorError(
            f"--{option} is {text!r:.40}: it must be a day such as 2029-02-14", next_command="fab --help ready"
        ) from error
