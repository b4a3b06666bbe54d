"""The tasks of the time before the night: what it costs, what is ready. They need no running stack."""
# fabric has no types
# pyright: reportUntypedFunctionDecorator=false

from collections.abc import Mapping
from pathlib import Path

from fabric import task  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  # it has none
from invoke.context import Context

from infra.cost.estimate import estimate
from infra.cost.load import with_load
from infra.cost.plot import draw
from infra.errors import OperatorError
from roles.cost_report import brief, console_for_output, show
from roles.signing import write_whole
from roles.stack_settings import read_stack_settings
from roles.terminal import operator_command, say

PROJECT = Path(__file__).resolve().parent.parent
PRODUCTION = "produksi"


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
    numbers = {name: _number(name, text) for name, text in asked.items() if text is not None}
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


def _number(name: str, text: str) -> float:
    """A number as people type it: 3000000, 3_000_000, 3,000,000."""
    plain = text.replace(",", "").replace("_", "")
    try:
        return float(plain) if name == "hours" else int(plain)
    except ValueError as error:
        option = name.replace("_", "-")
        raise OperatorError(
            f"--{option} is {text!r:.40}: it must be a number", next_command="fab --help cost"
        ) from error
