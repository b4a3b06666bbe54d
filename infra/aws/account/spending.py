"""Who hears of what the account costs. Nothing here can stop anything: a site that stops on the night cost too much."""

import pulumi
from pulumi import ResourceOptions
from pulumi_aws import budgets

from infra.aws.names import Names
from infra.settings.account import BudgetSettings

PERCENTAGES = (50, 80, 100)
WHOLE = 100


class Spending(pulumi.ComponentResource):
    """Messages on what a month and a day cost. AWS reckons some three times a day: on the night it is hours late.

    They count the whole account, not only what has the stack's tag: until accounting has been told of a tag, nothing
    has it, and the budget would say 0.

    Args:
        settings: What the stack may cost.
        names: Names and tags.
        email: Who is told.
    """

    def __init__(self, settings: BudgetSettings, names: Names, email: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:Spending", "spending", None, opts)
        child = ResourceOptions(parent=self)
        actual = [_notification("ACTUAL", percentage, email) for percentage in PERCENTAGES]
        budgets.Budget(
            "month",
            name=names.of("month"),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(settings.month_usd),
            limit_unit="USD",
            notifications=[*actual, _notification("FORECASTED", WHOLE, email)],
            tags=names.tags("budget"),
            opts=child,
        )
        # AWS forecasts no single day.
        budgets.Budget(
            "night",
            name=names.of("night"),
            budget_type="COST",
            time_unit="DAILY",
            limit_amount=str(settings.night_usd),
            limit_unit="USD",
            notifications=actual,
            tags=names.tags("budget"),
            opts=child,
        )
        self.register_outputs({})


def _notification(kind: str, percentage: int, email: str) -> budgets.BudgetNotificationArgs:
    return budgets.BudgetNotificationArgs(
        comparison_operator="GREATER_THAN",
        notification_type=kind,
        threshold=percentage,
        threshold_type="PERCENTAGE",
        subscriber_email_addresses=[email],
    )
