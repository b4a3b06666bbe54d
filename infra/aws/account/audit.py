"""Who changed what in the account."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudtrail

from infra.aws.account.logs import AUDIT_PREFIX
from infra.aws.names import Names
from infra.bridge.bucket_layout import SITE_PREFIX


def trail_name(names: Names) -> str:
    """The trail's name: its key's and its bucket's policies name it before it is there."""
    return names.of("audit")


class AuditTrail(pulumi.ComponentResource):
    """A trail over all regions, with digests that show whether a log was changed.

    It notes every change of the account, and every release and snapshot that is put into the bucket or taken out; not
    each of a snapshot's many files below `site/`: the snapshot itself is noted, and is signed.

    Args:
        names: Names and tags.
        region: Where it is kept.
        bucket: Name of the log bucket there.
        key: ARN of the key there.
        publication: ARN of the bucket of releases and snapshots.
    """

    def __init__(
        self,
        names: Names,
        region: str,
        bucket: Output[str],
        key: Output[str],
        publication: Output[str],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:AuditTrail", "audit", None, opts)
        trail = cloudtrail.Trail(
            "audit",
            name=trail_name(names),
            region=region,
            s3_bucket_name=bucket,
            s3_key_prefix=AUDIT_PREFIX,
            kms_key_id=key,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            advanced_event_selectors=[_changes_of_the_account(), _publications(publication)],
            tags=names.tags("audit"),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({"arn": trail.arn})


def _changes_of_the_account() -> cloudtrail.TrailAdvancedEventSelectorArgs:
    field = cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs
    return cloudtrail.TrailAdvancedEventSelectorArgs(
        name="changes of the account", field_selectors=[field(field="eventCategory", equals=["Management"])]
    )


def _publications(bucket: Output[str]) -> cloudtrail.TrailAdvancedEventSelectorArgs:
    field = cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs
    return cloudtrail.TrailAdvancedEventSelectorArgs(
        name="releases and snapshots",
        field_selectors=[
            field(field="eventCategory", equals=["Data"]),
            field(field="resources.type", equals=["AWS::S3::Object"]),
            field(field="readOnly", equals=["false"]),
            field(field="resources.ARN", starts_withs=[bucket.apply(lambda arn: f"{arn}/")]),
            field(field="resources.ARN", not_starts_withs=[bucket.apply(lambda arn: f"{arn}/{SITE_PREFIX}/")]),
        ],
    )
