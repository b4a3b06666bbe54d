"""A private bucket, as all of the account's are."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import s3

OLD_VERSION_DAYS = 180
"""How long a version that was replaced or removed is kept."""


class PrivateBucket(pulumi.ComponentResource):
    """A bucket that nobody reads in public, versioned and encrypted.

    Encrypted with S3's own keys: what delivers load balancers' logs knows no others, and what the CDN shows when every
    host is gone must not need a second service. (S3 tells readers the ARN of a KMS key, too: the account's number.)

    Args:
        name: Its logical name; AWS appends to it what makes it the only one in the world.
        region: Its region.
        tags: Its tags.
        lock_days: For how long nothing that was put there can be removed or replaced; None for no lock. Can't be
            changed from None later.
        expire_days: After how many days what stands below a prefix is removed.
    """

    def __init__(
        self,
        name: str,
        region: str,
        tags: Mapping[str, str],
        *,
        lock_days: int | None = None,
        expire_days: Mapping[str, int] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:PrivateBucket", name, None, opts)
        self._called, self._region, self._child = name, region, ResourceOptions(parent=self)
        # Who removes all that isn't protected must not leave a bucket that is less private or less safe than before.
        self._kept = ResourceOptions(parent=self, protect=True)
        bucket = s3.Bucket(
            name,
            region=region,
            object_lock_enabled=lock_days is not None,
            tags=tags,
            opts=self._kept,
        )
        self.bucket: Output[str] = bucket.bucket
        self.arn: Output[str] = bucket.arn
        self.versioning = self._keep_versions()
        self._keep_private()
        self._encrypt()
        self._clean_up(expire_days or {})
        if lock_days is not None:
            self._lock(lock_days)
        self.register_outputs({"bucket": self.bucket})

    def allow(self, policy: Output[str]) -> s3.BucketPolicy:
        """Give the bucket its policy, the only one that it has."""
        return s3.BucketPolicy(self._called, bucket=self.bucket, region=self._region, policy=policy, opts=self._child)

    def log_to(self, target: Output[str]) -> None:
        """Log who asks for what, in a bucket of the same region."""
        s3.BucketLogging(
            self._called,
            bucket=self.bucket,
            region=self._region,
            target_bucket=target,
            target_prefix=self.bucket.apply(lambda bucket: f"s3/{bucket}/"),
            opts=self._child,
        )

    def _keep_versions(self) -> s3.BucketVersioning:
        return s3.BucketVersioning(
            self._called,
            bucket=self.bucket,
            region=self._region,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._kept,
        )

    def _keep_private(self) -> None:
        s3.BucketPublicAccessBlock(
            self._called,
            bucket=self.bucket,
            region=self._region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept,
        )
        s3.BucketOwnershipControls(
            self._called,
            bucket=self.bucket,
            region=self._region,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._kept,
        )

    def _encrypt(self) -> None:
        default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256"
        )
        s3.BucketServerSideEncryptionConfiguration(
            self._called,
            bucket=self.bucket,
            region=self._region,
            rules=[s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=default)],
            opts=self._kept,
        )

    def _clean_up(self, expire_days: Mapping[str, int]) -> None:
        s3.BucketLifecycleConfiguration(
            self._called,
            bucket=self.bucket,
            region=self._region,
            rules=_clean_up_rules(expire_days),
            opts=ResourceOptions(parent=self, depends_on=[self.versioning]),
        )

    def _lock(self, days: int) -> None:
        retention = s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(mode="GOVERNANCE", days=days)
        s3.BucketObjectLockConfiguration(
            self._called,
            bucket=self.bucket,
            region=self._region,
            rule=s3.BucketObjectLockConfigurationRuleArgs(default_retention=retention),
            opts=ResourceOptions.merge(self._kept, ResourceOptions(depends_on=[self.versioning])),
        )


def _clean_up_rules(expire_days: Mapping[str, int]) -> Sequence[s3.BucketLifecycleConfigurationRuleArgs]:
    old = s3.BucketLifecycleConfigurationRuleArgs(
        id="old-versions",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=OLD_VERSION_DAYS
        ),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=7
        ),
    )
    return [
        old,
        *(
            s3.BucketLifecycleConfigurationRuleArgs(
                id=f"expire-{prefix.strip('/').lower()}",
                status="Enabled",
                filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
                expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
            )
            for prefix, days in expire_days.items()
        ),
    ]
