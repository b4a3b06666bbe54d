"""The key of a region: what is encrypted there with a key of the account's own."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import kms

from infra.aws.account import policies
from infra.aws.names import Names

DELETION_DAYS = 30
"""How long a key that was given up can be had back: the longest that AWS allows."""


class RegionKey(pulumi.ComponentResource):
    """A region's key, for disks, logs and alarms; renewed each year by AWS itself.

    Args:
        region: The region.
        names: Names and tags.
        account: The account's id.
        trail_name: The name of the trail that writes with it, in the one region that has the trail.
    """

    def __init__(
        self,
        region: str,
        names: Names,
        account: Output[str],
        trail_name: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:RegionKey", f"key-{region}", None, opts)
        key = kms.Key(
            f"key-{region}",
            region=region,
            description=f"{names.of()}: disks, logs and alarms in {region}",
            policy=account.apply(lambda account: _policy(account, region, trail_name)),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,
            tags=names.tags("key", Name=names.of("key", region)),
            opts=ResourceOptions(parent=self, protect=True),
        )
        kms.Alias(
            f"key-{region}",
            region=region,
            name=f"alias/{names.of()}",
            target_key_id=key.key_id,
            opts=ResourceOptions(parent=self),
        )
        self.arn: Output[str] = key.arn
        self.register_outputs({"arn": self.arn})


def _policy(account: str, region: str, trail_name: str | None) -> str:
    trail = policies.trail_arn(account, region, trail_name) if trail_name else None
    return policies.key_policy(account, region, trail)
