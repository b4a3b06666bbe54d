"""The tasks of the time before the night: what it costs, what is ready. They need no running stack."""
# fabric has no types
# pyright: reportUntypedFunctionDecorator=false

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

from fabric import task  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  # it has none
from invoke.context import Context

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
from roles.stack.settings import read_stack_settings
from roles.stack.stack import open_stack
from roles.terminal import operator_command, say

PROJECT = Path(__file__).resolve().parents[2]
PRODUCTION, REHEARSAL = "produksi", "staging"


@task(
    help={
        "stack": f"The stack; default: {PRODUCTION}.",
        "viewers": "People at once.",
        "poll-seconds": "How often each one's page asks.",
        "requests-per-poll": "Requests each time.",
        "answer-bytes": "Size of an answer as sent.",
        "hours": "Length of the night.",
        "brief": "Only the few lines that decide.",
        "plot": "Write the plot there, as SVG.",
    }
)
@operator_command
def cost(
    _: Context,
    stack: str = PRODUCTION,
    viewers: str | None = None,
    poll_seconds: str | None = None,
    requests_per_poll: str | None = None,
    answer_bytes: str | None = None,
    hours: str | None = None,
    plot: str | None = None,
    *,
    brief: bool = False,
) -> None:
    """Show what a stack costs in its night and in a usual month, and which quota stops it."""
    asked = {
        "viewers": viewers,
        "poll_seconds": poll_seconds,
        "requests_per_poll": requests_per_poll,
        "answer_bytes": answer_bytes,
        "hours": hours,
    }
    show_cost(PROJECT, stack, asked, brief_only=brief, plot=plot)


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


@task(
    help={
        "stack": f"The stack; default: {PRODUCTION}.",
        "election": "The day, as 2029-02-14; default: the day of tegak:night.",
        "today": "The day on which it is judged; default: today.",
    }
)
@operator_command
def ready(_: Context, stack: str = PRODUCTION, election: str | None = None, today: str | None = None) -> None:
    """Show the calendar backwards from the election, what is due and what is open; fail if something is overdue."""
    show_readiness(PROJECT, stack, election, _day("today", today) if today else dt.datetime.now(WIB).date())


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
    today: dt.date,
    look: Callable[[Path, str], tuple[Observation | None, str]] = look_at_hosts,
) -> None:
    """Show whether a stack is ready.

    Args:
        project: The checkout.
        stack: The stack.
        election: The day of the election, as it was typed; None for the day of `tegak:night`.
        today: The day on which it is judged.
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
    facts = Facts(stack, settings, day, today, rehearsal, observed, unseen)
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
