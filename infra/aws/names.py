"""Names and tags of what the program makes in an AWS account."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.settings.stack import PROJECT

ROLE_TAG, LOCATION_TAG, STACK_TAG = f"{PROJECT}:role", f"{PROJECT}:location", f"{PROJECT}:stack"
"""The tags by which hosts of an Auto Scaling group are found at run time."""

COST_TAG = "cost-centre"
REQUIRED_TAGS = (STACK_TAG, LOCATION_TAG, ROLE_TAG, COST_TAG)
"""What everything has that can have tags; infra.guards refuses what hasn't."""


@dataclass(frozen=True)
class Names:
    """How a stack's things are called, and what they are tagged with.

    Args:
        stack: The stack's name.
        cost_centre: Where its costs are booked.
    """

    stack: str
    cost_centre: str

    def of(self, *parts: str) -> str:
        """A name that no other stack's thing has."""
        return "-".join((PROJECT, self.stack, *parts))

    def tags(self, role: str, location: str = "global", **more: str) -> Mapping[str, str]:
        """The tags that everything has which can have tags.

        Args:
            role: What the thing is for: `network`, `lb`, `app`, `cdn`, `publication`, `audit`, `alarm`, …
            location: The location's name, or `global` for what all share.
            more: Further tags, such as `Name`.
        """
        own = {STACK_TAG: self.stack, LOCATION_TAG: location, ROLE_TAG: role, COST_TAG: self.cost_centre}
        return {**own, **more}
