"""What a stack has on AWS. Imported only where it has something there: the SDK's modules take a second to load."""

import datetime as dt
from collections.abc import Mapping, Sequence

from pulumi import Output

from infra.account_settings import AwsSettings, BudgetSettings, NightSettings
from infra.aws.account import Account
from infra.aws.cdn import Cdn
from infra.aws.location import AwsLocation, make_aws_locations
from infra.aws.names import Names
from infra.location_settings import AwsLocationSettings
from infra.settings import StackSettings
from infra.weights import dns_weights


class AwsSite:
    """The account's shared parts, the locations, and the CDN in front of them.

    `publication` is the inventory's part about the bucket of releases and snapshots.

    Args:
        stack: The stack's name.
        settings: Its settings.
        operator_key: The public ssh key of those who deploy.
        now: When the program runs, with a time zone.
    """

    def __init__(self, stack: str, settings: StackSettings, operator_key: str, now: dt.datetime) -> None:
        aws, night, budget = _needed(settings)
        shared = Account(Names(stack, aws.cost_centre), settings, aws, budget)
        account = shared.outputs
        self.name_servers = shared.zone.name_servers
        self.publication: Output[Mapping[str, object]] = account.publication_bucket.apply(
            lambda bucket: {"bucket": bucket, "region": aws.home_region}
        )
        hosts = {place.name: place.hosts.night for place in settings.of_kind(AwsLocationSettings)}
        self.locations: Sequence[AwsLocation] = make_aws_locations(
            settings, account, dns_weights(hosts), operator_key, now
        )
        self.edge = Cdn(aws, night, account, [location.origin for location in self.locations])

    def location(self, name: str) -> AwsLocation:
        """The location of a name."""
        return next(location for location in self.locations if location.origin.location == name)


def _needed(settings: StackSettings) -> tuple[AwsSettings, NightSettings, BudgetSettings]:
    if settings.aws is None or settings.night is None or settings.budget is None:
        raise ValueError("the settings' own check lets no stack with AWS locations be without these")
    return settings.aws, settings.night, settings.budget
