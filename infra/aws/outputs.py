"""What the parts of the AWS program give each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Output

from infra.aws.names import Names


@dataclass(frozen=True)
class AccountOutputs:
    """What all AWS locations and the CDN share.

    Args:
        names: Names and tags.
        server_name: The site's public name.
        origin_name: The name that the CDN asks and that leads to a healthy location; nobody else is told it.
        origin_names: What certificates of that name are for: it, and others beside it.
        zone_id: The Route 53 zone.
        origin_secret: What the CDN's header (infra.bridge.origin.ORIGIN_HEADER) says; a Pulumi secret.
        publication_bucket: Name of the bucket that holds releases and snapshots.
        publication_bucket_arn: Its ARN.
        keys: ARN of the KMS key for each region.
        log_buckets: Name of the bucket for access logs for each region.
        alarm_topics: ARN of the SNS topic for each region.
    """

    names: Names
    server_name: str
    origin_name: Output[str]
    origin_names: str
    zone_id: Output[str]
    origin_secret: Output[str]
    publication_bucket: Output[str]
    publication_bucket_arn: Output[str]
    keys: Mapping[str, Output[str]]
    log_buckets: Mapping[str, Output[str]]
    alarm_topics: Mapping[str, Output[str]]


@dataclass(frozen=True)
class OriginOutputs:
    """Where the CDN finds a location, whatever its kind.

    Args:
        location: The location's name.
        weight: Its share of the requests, 0 to 255: in proportion to the hosts that it has during the night.
        alias: DNS name and zone id of an ALB; None for a location with an address of its own.
        address: Public address of a location of kind `hosts`; None for an ALB.
    """

    location: str
    weight: int
    alias: tuple[Output[str], Output[str]] | None = None
    address: str | None = None
