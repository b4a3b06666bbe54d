"""What refuses a stack before anything of it is made: more money than it may cost, more than the account's quotas."""

import math

from infra.bridge.errors import OperatorError
from infra.cost.estimate import estimate
from infra.cost.limits import limits
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings


def budget_problems(settings: StackSettings) -> list[str]:
    """Where a stack costs more than its budget, a sentence each; nothing if it doesn't, or has nothing on AWS.

    Args:
        settings: The stack's settings.

    Raises:
        OperatorError: A price is not known.
    """
    if not settings.of_kind(AwsLocationSettings):
        return []
    found = estimate(settings)
    amounts = {
        "the night": (found.night.usd, found.budget.night_usd, "night_usd"),
        "a usual month": (found.month.usd, found.budget.month_usd, "month_usd"),
    }
    return [
        f"{what} is estimated at {math.ceil(usd):,} USD, and tegak:budget.{key} is {most:,} USD"
        for what, (usd, most, key) in amounts.items()
        if usd > most
    ]


def quota_problems(settings: StackSettings) -> list[str]:
    """Where a stack needs more than the account's quotas allow, a sentence each.

    Args:
        settings: The stack's settings.
    """
    return [limit.problem for limit in limits(settings) if limit.quota and not limit.is_enough]


def refuse_over_limits(stack: str, settings: StackSettings) -> None:
    """Refuse a stack that is over its budget or over a quota: to be called before anything is made.

    Args:
        stack: Its name.
        settings: Its settings.

    Raises:
        OperatorError: It is; the message has every number and every limit.
    """
    problems = [*budget_problems(settings), *quota_problems(settings)]
    if problems:
        raise OperatorError(
            f"stack '{stack}' is over its limits, and nothing was made: {'; '.join(problems)}",
            next_command=f"fab cost --stack {stack}",
        )
