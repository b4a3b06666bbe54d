"""What a stack has on AWS. Imported only where it has something there: the SDK's modules take a second to load."""

import datetime as dt
from collections.abc import Mapping, Sequence

from pulumi import Output

from infra.aws.account.account import Account
from infra.aws.cdn.cdn import Cdn
from infra.aws.location.certificates import OriginCertificates
from infra.aws.location.location import AwsLocation, make_aws_locations
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs, OriginOutputs
from infra.bridge.origin import Origin
from infra.settings.account import AwsSettings, BudgetSettings, NightSettings
from infra.settings.location import AwsLocationSettings, HostsLocationSettings
from infra.settings.stack import StackSettings
from infra.weights import dns_weights, hosts_of_the_night


class AwsSite:
    """The account's shared parts, the locations, and the CDN in front of them.

    `publication` is the inventory's part about the bucket of releases and snapshots.

    Args:
        stack: The stack's name.
        settings: Its settings.
        operator_key: The public ssh key of those who deploy.
        signers: Who may sign what hosts take.
        now: When the program runs, with a time zone.
    """

    def __init__(self, stack: str, settings: StackSettings, operator_key: str, signers: str, now: dt.datetime) -> None:
        aws, night, budget = _needed(settings)
        shared = Account(Names(stack, aws.cost_centre), settings, aws, budget)
        account = shared.outputs
        own = settings.of_kind(HostsLocationSettings)
        weights = dns_weights(hosts_of_the_night(settings))
        certificates = OriginCertificates(
            account,
            [location.region for location in settings.of_kind(AwsLocationSettings)],
            exported_in=aws.home_region if own else None,
        )
        self.name_servers = shared.zone.name_servers
        self.ds_record = shared.zone.ds_record
        self.publication: Output[Mapping[str, object]] = account.publication_bucket.apply(
            lambda bucket: {"bucket": bucket, "region": aws.home_region}
        )
        self.origin = _origin(account, certificates.exported)
        self.locations: Sequence[AwsLocation] = make_aws_locations(
            settings, account, certificates, weights, operator_key, signers, now
        )
        owned = [
            OriginOutputs(location.name, weights[location.name], address=str(location.origin_address))
            for location in own
        ]
        self.edge = Cdn(aws, night, account, [*(location.origin for location in self.locations), *owned])

    def location(self, name: str) -> AwsLocation:
        """The location of a name."""
        return next(location for location in self.locations if location.origin.location == name)


def _origin(account: AccountOutputs, certificate_arn: Output[str] | None) -> Output[dict[str, str]] | None:
    """What load balancers that one owns must know (infra.bridge.origin); None where there are none."""
    if certificate_arn is None:
        return None
    known = Output.all(name=account.origin_name, secret=account.origin_secret, certificate_arn=certificate_arn)
    return Output.secret(known.apply(lambda parts: Origin.model_validate(parts).model_dump()))


def _needed(settings: StackSettings) -> tuple[AwsSettings, NightSettings, BudgetSettings]:
    if settings.aws is None or settings.night is None or settings.budget is None:
        raise ValueError("the settings' own check lets no stack with AWS locations be without these")
    return settings.aws, settings.night, settings.budget
