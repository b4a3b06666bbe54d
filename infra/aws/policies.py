"""Who may do what: every policy of the shared parts and of the CDN, as JSON, and nothing else.

The policies name actions one by one, and the resource or the one who asks as closely as AWS lets them. In a key's or a
bucket's own policy, the resource `*` of KMS means that key alone.
"""

import json
from collections.abc import Mapping, Sequence

from infra.settings.regions import GLOBAL_REGION

Statement = Mapping[str, object]

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
    logs = f"arn:aws:logs:{region}:{account}:log-group:*"
    alarms = f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
    statements = [
        _administration(account),
        _key_use("Logs", _service(f"logs.{region}"), READ_AND_WRITE, _like("kms:EncryptionContext:aws:logs:arn", logs)),
        _key_use(
            "Alarms",
            _service("cloudwatch"),
            ("kms:Decrypt", "kms:GenerateDataKey"),
            _from(account, alarms),
        ),
    ]
    if trail:
        context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trail}}
        own = {"StringEquals": {"aws:SourceArn": trail}}
        statements += [
            _key_use("Audit", _service("cloudtrail"), ("kms:GenerateDataKey",), {**own, **context}),
            _key_use("AuditLooks", _service("cloudtrail"), ("kms:DescribeKey",), own),
        ]
    return document(statements)


def signing_key_policy(account: str) -> str:
    """The policy of the key that signs the zone.

    Source: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/access-control-managing-permissions.html.
    """
    signer, zones = _service("dnssec-route53"), "arn:aws:route53:::hostedzone/*"
    granted = {**_from(account, zones), "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return document(
        [
            _administration(account),
            _key_use("Sign", signer, ("kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"), _from(account, zones)),
            _key_use("Grant", signer, ("kms:CreateGrant",), granted),
        ]
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
    below = f"AWSLogs/{account}/*"
    owned = {"s3:x-amz-acl": "bucket-owner-full-control"}
    balancers, buckets = _service("logdelivery.elasticloadbalancing"), _service("logging.s3")
    delivery, flows = _service("delivery.logs"), f"arn:aws:logs:{region}:{account}:*"
    statements = [
        _encrypted_transport(bucket),
        _allow("LoadBalancers", balancers, ("s3:PutObject",), f"{bucket}/lb/*/{below}"),
        _allow("Buckets", buckets, ("s3:PutObject",), f"{bucket}/s3/*", _from(account, "arn:aws:s3:::*")),
        _allow("FlowsLook", delivery, ("s3:GetBucketAcl",), bucket, _from(account, flows)),
        _allow("Flows", delivery, ("s3:PutObject",), f"{bucket}/vpc/*/{below}", _from(account, flows, owned)),
    ]
    if region == GLOBAL_REGION:
        sources = _from(account, f"arn:aws:logs:{region}:{account}:delivery-source:*", owned)
        statements.append(_allow("Cdn", delivery, ("s3:PutObject",), f"{bucket}/{below}", sources))
    if trail:
        own = {"aws:SourceArn": trail}
        statements += [
            _allow("AuditLooks", _service("cloudtrail"), ("s3:GetBucketAcl",), bucket, {"StringEquals": own}),
            _allow(
                "Audit",
                _service("cloudtrail"),
                ("s3:PutObject",),
                f"{bucket}/audit/{below}",
                {"StringEquals": {**own, **owned}},
            ),
        ]
    return document(statements)


def publication_policy(bucket: str, prefix: str, distribution: str) -> str:
    """The policy of the bucket of releases and snapshots: the CDN reads what is public, and nothing beside it.

    Args:
        bucket: The bucket's ARN.
        prefix: Where in it what is public stands.
        distribution: The ARN of the one distribution that may read it.
    """
    own = {"StringEquals": {"aws:SourceArn": distribution}}
    reader = _allow("Cdn", _service("cloudfront"), ("s3:GetObject",), f"{bucket}/{prefix}/*", own)
    return document([_encrypted_transport(bucket), reader])


def encrypted_transport_policy(bucket: str) -> str:
    """The policy of a bucket that only the account's own roles read."""
    return document([_encrypted_transport(bucket)])


def replication_trust(account: str, bucket: str) -> str:
    """Who may take the role that copies a bucket: S3, for that bucket."""
    statement = {"Sid": "Replication", "Effect": "Allow", "Principal": _service("s3"), "Action": "sts:AssumeRole"}
    return document([{**statement, "Condition": _from(account, bucket)}])


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
    return document(
        [
            _allow("Look", None, ("s3:GetReplicationConfiguration", "s3:ListBucket"), source),
            _allow("Read", None, read, f"{source}/*"),
            _allow("Write", None, ("s3:ReplicateObject", "s3:ReplicateTags"), f"{copy}/*"),
        ]
    )


def alarm_topic_policy(account: str, region: str, topic: str) -> str:
    """The policy of a region's topic: its own alarms publish, nobody else."""
    alarms = f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
    return document([_allow("Alarms", _service("cloudwatch"), ("sns:Publish",), topic, _from(account, alarms))])


def firewall_log_policy(account: str, region: str, group: str) -> str:
    """Lets the firewall's log be delivered to its group, whose ARN ends without `:*`."""
    write = ("logs:CreateLogStream", "logs:PutLogEvents")
    sources = f"arn:aws:logs:{region}:{account}:*"
    return document([_allow("Firewall", _service("delivery.logs"), write, f"{group}:*", _from(account, sources))])


def document(statements: Sequence[Statement]) -> str:
    """A policy, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _allow(
    sid: str,
    principal: Mapping[str, str] | None,
    actions: Sequence[str],
    resource: str,
    condition: Mapping[str, object] | None = None,
) -> Statement:
    statement: dict[str, object] = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}
    return statement | ({"Principal": principal} if principal else {}) | ({"Condition": condition} if condition else {})


def _key_use(
    sid: str, principal: Mapping[str, str], actions: Sequence[str], condition: Mapping[str, object]
) -> Statement:
    return _allow(sid, principal, actions, "*", condition)


def _administration(account: str) -> Statement:
    actions = sorted({*KEY_ADMINISTRATION, "kms:Decrypt"})
    return _allow("ThoseWhomIamGivesIt", {"AWS": f"arn:aws:iam::{account}:root"}, actions, "*")


def _encrypted_transport(bucket: str) -> Statement:
    return {
        "Sid": "NoPlainText",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _service(name: str) -> Mapping[str, str]:
    return {"Service": f"{name}.amazonaws.com"}


def _from(account: str, arn: str, equal: Mapping[str, str] | None = None) -> Mapping[str, Mapping[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": account, **(equal or {})}, **_like("aws:SourceArn", arn)}


def _like(key: str, arn: str) -> Mapping[str, Mapping[str, str]]:
    return {"ArnLike": {key: arn}}
