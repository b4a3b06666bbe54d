"""Who asked for what at the CDN."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudwatch

from infra.aws.outputs import AccountOutputs
from infra.settings.regions import GLOBAL_REGION

LOG_FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "asn",
    "c-country",
    "cs-method",
    "cs-uri-stem",
    "cs-protocol-version",
    "sc-status",
    "sc-bytes",
    "sc-content-type",
    "time-taken",
    "time-to-first-byte",
    "origin-fbl",
    "x-edge-result-type",
    "x-edge-detailed-result-type",
    "x-edge-request-id",
)
"""No address and no browser: which results somebody reads is their own business. Addresses that met a rule of the
firewall are in its log."""


class AccessLogs(pulumi.ComponentResource):
    """Every request, as JSON, in the log bucket of the region that the CDN belongs to.

    Args:
        account: What is shared.
        distribution: The distribution's ARN.
    """

    def __init__(self, account: AccountOutputs, distribution: Output[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:AccessLogs", "access-logs", None, opts)
        child, tags = ResourceOptions(parent=self), account.names.tags("log")
        source = cloudwatch.LogDeliverySource(
            "cdn",
            name=account.names.of("cdn"),
            log_type="ACCESS_LOGS",
            resource_arn=distribution,
            region=GLOBAL_REGION,
            tags=tags,
            opts=child,
        )
        bucket = account.log_buckets[GLOBAL_REGION].apply(lambda name: f"arn:aws:s3:::{name}")
        destination = cloudwatch.LogDeliveryDestination(
            "cdn",
            name=account.names.of("cdn"),
            output_format="json",
            delivery_destination_configuration=cloudwatch.LogDeliveryDestinationDeliveryDestinationConfigurationArgs(
                destination_resource_arn=bucket
            ),
            region=GLOBAL_REGION,
            tags=tags,
            opts=child,
        )
        cloudwatch.LogDelivery(
            "cdn",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            record_fields=list(LOG_FIELDS),
            s3_delivery_configurations=[
                cloudwatch.LogDeliveryS3DeliveryConfigurationArgs(
                    suffix_path="{DistributionId}/{yyyy}/{MM}/{dd}/{HH}", enable_hive_compatible_path=False
                )
            ],
            region=GLOBAL_REGION,
            tags=tags,
            opts=child,
        )
        self.register_outputs({})
