"""What the hosts of an AWS location may do: read what is published, be reached by operators, write their log."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudwatch, iam
from pulumi_aws.get_caller_identity import get_caller_identity_output

from infra.aws.location.context import LocationContext
from infra.aws.policies import Statement, policy, service, trust
from infra.bridge.bucket_layout import HOSTS_PREFIX, RELEASES_PREFIX, SNAPSHOTS_PREFIX

LOG_DAYS = 90


class HostRole(pulumi.ComponentResource):
    """The role of a location's hosts, and the log group that it may write to.

    Args:
        location: The location.
    """

    def __init__(self, location: LocationContext, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:HostRole", location.name, None, opts)
        self.log_group = cloudwatch.LogGroup(
            f"{location.name}-hosts",
            name=location.log_group_name,
            retention_in_days=LOG_DAYS,
            kms_key_id=location.account.keys[location.region],
            region=location.region,
            tags=location.tags("app", "hosts"),
            opts=ResourceOptions(parent=self),
        )
        role = iam.Role(
            f"{location.name}-host",
            description=f"Hosts of {location.account.names.of(location.name)}",
            assume_role_policy=trust(service("ec2")),
            tags=location.tags("app", "host"),
            opts=ResourceOptions(parent=self),
        )
        known = Output.all(
            account_id=get_caller_identity_output().account_id,
            bucket_arn=location.account.publication_bucket_arn,
            log_group_arn=self.log_group.arn,
        )
        self.policy = iam.RolePolicy(
            f"{location.name}-host",
            role=role.name,
            policy=known.apply(lambda arns: host_policy(location, **arns)),
            opts=ResourceOptions(parent=self),
        )
        self.profile = iam.InstanceProfile(
            f"{location.name}-host",
            role=role.name,
            tags=location.tags("app", "host"),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


def host_policy(location: LocationContext, *, account_id: str, bucket_arn: str, log_group_arn: str) -> str:
    """What a host may do.

    Args:
        location: The location.
        account_id: The AWS account.
        bucket_arn: The bucket of releases and snapshots.
        log_group_arn: The hosts' log group.
    """
    groups = f"arn:aws:autoscaling:{location.region}:{account_id}:autoScalingGroup:*"
    return policy(
        *_published(location, bucket_arn),
        *_session_manager(location.region, account_id),
        Statement("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{log_group_arn}:log-stream:*"]),
        Statement(
            "Ready",
            ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
            [f"{groups}:autoScalingGroupName/{location.group_name}"],
        ),
    )


def _published(location: LocationContext, bucket_arn: str) -> list[Statement]:
    # No key of KMS is asked for: the bucket is encrypted with S3's own.
    prefixes = [f"{prefix}/" for prefix in (RELEASES_PREFIX, SNAPSHOTS_PREFIX, f"{HOSTS_PREFIX}/{location.name}")]
    return [
        Statement("Read", ["s3:GetObject"], [f"{bucket_arn}/{prefix}*" for prefix in prefixes]),
        # Without it, what is not there would look like what is forbidden.
        Statement(
            "List",
            ["s3:ListBucket"],
            [bucket_arn],
            {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        ),
    ]


def _session_manager(region: str, account_id: str) -> list[Statement]:
    """Be reached by operators.

    AWS's own policy for this (AmazonSSMManagedInstanceCore) also reads every parameter and document of the account. The
    channels know no resources (service authorization reference, ssmmessages), so that the statement's resource must be
    `*`; the condition holds it to instances of this account and region.
    """
    instances = f"arn:aws:ec2:{region}:{account_id}:instance/*"
    return [
        Statement("Register", ["ssm:UpdateInstanceInformation"], [instances]),
        Statement(
            "Sessions",
            [
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            ],
            ["*"],
            {"ArnLike": {"ec2:SourceInstanceARN": instances}},
        ),
    ]
