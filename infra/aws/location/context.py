"""What all parts of an AWS location need to know."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from infra.aws.outputs import AccountOutputs
from infra.settings.account import NightSettings
from infra.settings.location import AwsLocationSettings


@dataclass(frozen=True)
class LocationContext:
    """What all parts of an AWS location need to know.

    Args:
        settings: The location's settings.
        night: The night that the stack is made for.
        account: What all locations share.
        home_region: Where the publication bucket is.
        operator_key: The public ssh key of those who deploy.
        signers: Who may sign what hosts take, a line of an allowed_signers file.
        now: When the program runs: what is already over can't be scheduled.
    """

    settings: AwsLocationSettings
    night: NightSettings
    account: AccountOutputs
    home_region: str
    operator_key: str
    signers: str
    now: dt.datetime

    @property
    def name(self) -> str:
        """The location's name: what all its resources' names begin with."""
        return self.settings.name

    @property
    def region(self) -> str:
        """The AWS region."""
        return self.settings.region

    @property
    def group_name(self) -> str:
        """The Auto Scaling group's name: fixed, because the hosts' permissions name it before it is there."""
        return self.account.names.of(self.name)

    @property
    def log_group_name(self) -> str:
        """The log group that its hosts write to."""
        return f"/{self.group_name}/hosts"

    def tags(self, role: str, *parts: str) -> Mapping[str, str]:
        """The tags of a thing of this location.

        Args:
            role: What it is for: `network`, `lb`, `app`, `alarm`.
            parts: What the consoles call it, after the stack's and the location's name.
        """
        return self.account.names.tags(role, self.name, Name=self.account.names.of(self.name, *parts))
