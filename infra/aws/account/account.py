"""What all AWS locations of a stack and its CDN share."""

import hashlib

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws.get_caller_identity import get_caller_identity_output

from infra.aws.account.alarm_topic import AlarmTopic
from infra.aws.account.audit import AuditTrail, trail_name
from infra.aws.account.keys import RegionKey
from infra.aws.account.logs import LogBucket
from infra.aws.account.publication import PublicationBuckets
from infra.aws.account.secret import Secret
from infra.aws.account.spending import Spending
from infra.aws.account.zone import Zone
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs
from infra.settings.account import AwsSettings, BudgetSettings
from infra.settings.stack import StackSettings

ORIGIN_LABEL = "asal"
"""What the origin's name is below. The logs of issued certificates are public, and ACM's can't be kept out of them any
more (https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateOptions.html): they tell of all names below
this one, and not which one it is. Nor is such a certificate good for the site's own name."""

ORIGIN_DIGITS = 12
"""Hexadecimal digits in the origin's name: 48 bits, too many to ask a name server one by one."""


class Account(pulumi.ComponentResource):
    """The parts of an account that belong to no location: keys, buckets, audit, alarms, budget, zone, secrets.

    Args:
        names: Names and tags.
        settings: The stack's settings.
        aws: What they say of the account.
        budget: What they say of money.
    """

    def __init__(
        self,
        names: Names,
        settings: StackSettings,
        aws: AwsSettings,
        budget: BudgetSettings,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:Account", "account", None, opts)
        self._child = ResourceOptions(parent=self)
        account = get_caller_identity_output().account_id
        trails = {aws.home_region: trail_name(names)}
        regions = settings.regions
        keys = {r: RegionKey(r, names, account, trails.get(r), self._child).arn for r in regions}
        logs = {r: LogBucket(r, names, account, trails.get(r), self._child).bucket for r in regions}
        topics = {r: AlarmTopic(r, names, account, keys[r], aws.alarm_email, self._child).arn for r in regions}
        publication = PublicationBuckets(names, account, aws.home_region, aws.replica_region, self._child)
        publication.log_to(logs[aws.home_region], logs[aws.replica_region])
        home = aws.home_region
        AuditTrail(names, home, logs[home], keys[home], publication.home.arn, self._child)
        Spending(budget, names, aws.alarm_email, self._child)
        self.zone = Zone(aws.zone, names, account, signed=aws.dnssec, opts=self._child)
        self.outputs = AccountOutputs(
            names=names,
            server_name=settings.server_name,
            origin_name=self._origin_name(aws.zone),
            origin_names=f"*.{ORIGIN_LABEL}.{aws.zone}",
            zone_id=self.zone.zone_id,
            origin_secret=Secret("origin", opts=self._child).value,
            publication_bucket=publication.home.bucket,
            publication_bucket_arn=publication.home.arn,
            keys=keys,
            log_buckets=logs,
            alarm_topics=topics,
        )
        self.register_outputs({"zone_id": self.zone.zone_id})

    def _origin_name(self, zone: str) -> Output[str]:
        """A name in the zone that is nowhere public, of a secret of its own: from a name no header can be found."""
        secret = Secret("origin-name", opts=self._child).value
        return secret.apply(
            lambda word: f"{hashlib.sha256(word.encode()).hexdigest()[:ORIGIN_DIGITS]}.{ORIGIN_LABEL}.{zone}"
        )
