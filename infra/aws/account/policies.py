"""Who may do what with what all locations share: the policies of keys, buckets and topics."""

from infra.aws.policies import (
    Statement,
    for_exactly,
    for_source,
    no_plain_text,
    policy,
    service,
    trust,
    whom_iam_lets,
)
from infra.settings.regions import GLOBAL_REGION

KEY_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:CreateGrant",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""What those may do with a key to whom IAM gives it; reading what is encrypted is apart."""

READ_AND_WRITE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
THIS_KEY = ("*",)
LOGS, ALARMS, TRAIL = service("delivery.logs"), service("cloudwatch"), service("cloudtrail")


def trail_arn(account: str, region: str, name: str) -> str:
    """The ARN of a trail, known before there is one: key and bucket have to name it first."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


def key_policy(account: str, region: str, trail: str | None = None) -> str:
    """The policy of a region's key. What encrypts the disks of Auto Scaling's instances gets a grant beside it.

    Args:
        account: The account's id.
        region: The key's region.
        trail: ARN of the trail that writes with it.
    """
    of_logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:*"}}
    of_alarms = for_source(account, _alarms(account, region))
    statements = [
        _administration(account),
        Statement("Logs", READ_AND_WRITE, THIS_KEY, of_logs, service(f"logs.{region}")),
        Statement("Alarms", ["kms:Decrypt", "kms:GenerateDataKey"], THIS_KEY, of_alarms, ALARMS),
    ]
    if trail:
        own = for_exactly(trail)
        of_trail = {**own, "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trail}}
        statements += [
            Statement("Audit", ["kms:GenerateDataKey"], THIS_KEY, of_trail, TRAIL),
            Statement("AuditLooks", ["kms:DescribeKey"], THIS_KEY, own, TRAIL),
        ]
    return policy(*statements)


def signing_key_policy(account: str) -> str:
    """The policy of the key that signs the zone.

    Source: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/access-control-managing-permissions.html.
    """
    signer, of_zones = service("dnssec-route53"), for_source(account, "arn:aws:route53:::hostedzone/*")
    granted = {**of_zones, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return policy(
        _administration(account),
        Statement("Sign", ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"], THIS_KEY, of_zones, signer),
        Statement("Grant", ["kms:CreateGrant"], THIS_KEY, granted, signer),
    )


def log_bucket_policy(account: str, region: str, bucket: str, trail: str | None = None) -> str:
    """The policy of a region's bucket of access logs. The CDN's come from where all of the CDN is.

    Load balancers' delivery knows no condition: it writes below its own account's id.
    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html.
    Flow logs that are not allowed here would be all the same: AWS then writes the bucket's policy anew by itself.
    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html.

    Args:
        account: The account's id.
        region: The bucket's region.
        bucket: The bucket's ARN.
        trail: ARN of the trail that writes to it.
    """
    put, look, below = ["s3:PutObject"], ["s3:GetBucketAcl"], f"AWSLogs/{account}/*"
    owned = {"s3:x-amz-acl": "bucket-owner-full-control"}
    balancers, buckets = service("logdelivery.elasticloadbalancing"), service("logging.s3")
    of_buckets = for_source(account, "arn:aws:s3:::*")
    flows = f"arn:aws:logs:{region}:{account}:*"
    statements = [
        no_plain_text(bucket),
        Statement("LoadBalancers", put, [f"{bucket}/lb/*/{below}"], principal=balancers),
        Statement("Buckets", put, [f"{bucket}/s3/*"], of_buckets, buckets),
        Statement("FlowsLook", look, [bucket], for_source(account, flows), LOGS),
        Statement("Flows", put, [f"{bucket}/vpc/*/{below}"], for_source(account, flows, owned), LOGS),
    ]
    if region == GLOBAL_REGION:
        sources = for_source(account, f"arn:aws:logs:{region}:{account}:delivery-source:*", owned)
        statements.append(Statement("Cdn", put, [f"{bucket}/{below}"], sources, LOGS))
    if trail:
        statements += [
            Statement("AuditLooks", look, [bucket], for_exactly(trail), TRAIL),
            Statement("Audit", put, [f"{bucket}/audit/{below}"], for_exactly(trail, owned), TRAIL),
        ]
    return policy(*statements)


def encrypted_transport_policy(bucket: str) -> str:
    """The policy of a bucket that only the account's own roles read."""
    return policy(no_plain_text(bucket))


def replication_trust(account: str, bucket: str) -> str:
    """Who may take the role that copies a bucket: S3, for that bucket."""
    return trust(service("s3"), for_source(account, bucket), sid="Replication")


def replication_rights(source: str, copy: str) -> str:
    """What the role that copies a bucket may do; it can't remove anything from the copy.

    Args:
        source: ARN of the bucket that is copied.
        copy: ARN of its copy.
    """
    read = (
        "s3:GetObjectLegalHold",
        "s3:GetObjectRetention",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionTagging",
    )
    return policy(
        Statement("Look", ["s3:GetReplicationConfiguration", "s3:ListBucket"], [source]),
        Statement("Read", read, [f"{source}/*"]),
        Statement("Write", ["s3:ReplicateObject", "s3:ReplicateTags"], [f"{copy}/*"]),
    )


def alarm_topic_policy(account: str, region: str, topic: str) -> str:
    """The policy of a region's topic: its own alarms publish, nobody else."""
    own = for_source(account, _alarms(account, region))
    return policy(Statement("Alarms", ["sns:Publish"], [topic], own, ALARMS))


def _alarms(account: str, region: str) -> str:
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:*"


def _administration(account: str) -> Statement:
    actions = sorted({*KEY_ADMINISTRATION, "kms:Decrypt"})
    return Statement("ThoseWhomIamGivesIt", actions, THIS_KEY, principal=whom_iam_lets(account))
