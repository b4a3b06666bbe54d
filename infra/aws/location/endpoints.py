"""What AWS offers inside a location's VPC, so that hosts need no way to it over the internet."""

import pulumi
from pulumi import ResourceOptions
from pulumi_aws import ec2

from infra.aws.location.context import LocationContext
from infra.aws.location.network import Network
from infra.aws.location.security_groups import SecurityGroups
from infra.aws.policies import EVERYBODY, Statement, policy

INTERFACES = ("ssm", "ssmmessages", "logs", "autoscaling")
"""Session Manager; the hosts' logs; and telling the group that a new host is ready.

ec2messages is not among them: the SSM agent uses ssmmessages in its place since version 3.3.40
(https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html), and each costs per zone and hour.
"""


class Endpoints(pulumi.ComponentResource):
    """S3 through a gateway, which is free, and a few interfaces, which only hosts reach.

    Args:
        location: The location.
        network: Its network.
        security_groups: Its security groups.
    """

    def __init__(
        self,
        location: LocationContext,
        network: Network,
        security_groups: SecurityGroups,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:Endpoints", location.name, None, opts)
        ec2.VpcEndpoint(
            f"{location.name}-s3",
            vpc_id=network.vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{location.region}.s3",
            route_table_ids=[network.private_routes.id],
            policy=location.account.publication_bucket_arn.apply(lambda arn: s3_policy(arn, location.region)),
            region=location.region,
            tags=location.tags("network", "s3"),
            opts=ResourceOptions(parent=self),
        )
        for service in INTERFACES:
            ec2.VpcEndpoint(
                f"{location.name}-{service}",
                vpc_id=network.vpc.id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{location.region}.{service}",
                subnet_ids=[subnet.id for subnet in network.private_subnets],
                security_group_ids=[security_groups.endpoints.id],
                private_dns_enabled=True,
                region=location.region,
                tags=location.tags("network", service),
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})


def s3_policy(publication_bucket_arn: str, region: str) -> str:
    """What may be read through the S3 endpoint, whoever asks: nothing can be carried away to another bucket.

    Args:
        publication_bucket_arn: The bucket of releases and snapshots.
        region: The location's; AWS keeps the packages of its agents in buckets of each region. Debian's are not in S3.
            https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/verify-CloudWatch-Agent-Package-Signature.html
    """
    agents = [f"arn:aws:s3:::{name}-{region}/*" for name in ("amazon-ssm", "amazoncloudwatch-agent")]
    return policy(
        Statement("Publication", ["s3:GetObject"], [f"{publication_bucket_arn}/*"], principal=EVERYBODY),
        Statement("PublicationList", ["s3:ListBucket"], [publication_bucket_arn], principal=EVERYBODY),
        Statement("Agents", ["s3:GetObject"], agents, principal=EVERYBODY),
    )
