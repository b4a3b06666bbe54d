"""The tasks of the time before the night: what it costs, what is ready. They need no running stack."""
# fabric has no types
# pyright: reportUntypedFunctionDecorator=false

from pathlib import Path

from fabric import task  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  # it has none
from invoke.context import Context

from roles import tasks
from roles.stack.names import PRODUCTION
from roles.terminal import operator_command

PROJECT = Path(__file__).resolve().parents[2]


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
    tasks.outlook.show_cost(PROJECT, stack, asked, brief_only=brief, plot=plot)


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
    tasks.outlook.show_readiness(PROJECT, stack, election, today)
