"""Where a region's access logs are kept."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import s3

from infra.aws.account import policies
from infra.aws.account.buckets import PrivateBucket
from infra.aws.names import Names

ACCESS_LOG_DAYS = 90
"""Who asked for what is no longer of use then, and is somebody's business."""

AUDIT_DAYS = 400
"""Who changed what is kept for a year and a month."""

AUDIT_PREFIX = "audit"


class LogBucket(pulumi.ComponentResource):
    """A region's bucket of logs.

    Load balancers' are below `lb/<location>/`, networks' below `vpc/<location>/`, the CDN's below `AWSLogs/`.

    Args:
        region: The region.
        names: Names and tags.
        account: The account's id.
        trail_name: The name of the trail that writes to it, in the one region that has the trail.
    """

    def __init__(
        self,
        region: str,
        names: Names,
        account: Output[str],
        trail_name: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:LogBucket", f"log-{region}", None, opts)
        days = {**dict.fromkeys(("lb/", "vpc/", "AWSLogs/", "s3/"), ACCESS_LOG_DAYS), f"{AUDIT_PREFIX}/": AUDIT_DAYS}
        bucket = PrivateBucket(
            names.of("log", region), region, names.tags("log"), expire_days=days, opts=ResourceOptions(parent=self)
        )

        def policy(values: list[str]) -> str:
            account, arn = values
            trail = policies.trail_arn(account, region, trail_name) if trail_name else None
            return policies.log_bucket_policy(account, region, arn, trail)

        self.policy: s3.BucketPolicy = bucket.allow(Output.all(account, bucket.arn).apply(policy))
        # Nothing is delivered before the policy allows it: whoever is given the name waits for it.
        self.bucket: Output[str] = Output.all(bucket.bucket, self.policy.id).apply(lambda both: both[0])
        self.register_outputs({"bucket": self.bucket})
