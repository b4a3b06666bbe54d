"""Where releases and snapshots are published: hosts fetch them there; the CDN reads it when every host is gone."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import iam, s3

from infra.aws.account import policies
from infra.aws.account.buckets import PrivateBucket
from infra.aws.names import Names

LOCK_DAYS = 90
"""For how long nothing published can be removed: the count takes 35 days, disputes over it 3 to 4 weeks more."""


class PublicationBuckets(pulumi.ComponentResource):
    """The bucket, and its copy in a second region.

    The lock is of the kind that AWS calls governance: nobody's rights here include lifting it, and whoever is given
    that right is seen in the audit trail. The stricter kind can't be lifted by anybody: a form published with a
    voter's name on it would have to stay.

    Args:
        names: Names and tags.
        account: The account's id.
        home: The bucket's region.
        copy: Its copy's region.
    """

    def __init__(
        self, names: Names, account: Output[str], home: str, copy: str, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:aws:Publication", "publication", None, opts)
        child = ResourceOptions(parent=self)
        tags = names.tags("publication")
        self.home = PrivateBucket(names.of("publication"), home, tags, lock_days=LOCK_DAYS, opts=child)
        self.copy = PrivateBucket(names.of("publication-copy"), copy, tags, lock_days=LOCK_DAYS, opts=child)
        self.copy.allow(self.copy.arn.apply(policies.encrypted_transport_policy))
        self._replicate(names, account, home)
        self.register_outputs({"bucket": self.home.bucket, "copy": self.copy.bucket})

    def log_to(self, home: Output[str], copy: Output[str]) -> None:
        """Log who asks for what, each bucket in its region's log bucket."""
        self.home.log_to(home)
        self.copy.log_to(copy)

    def _replicate(self, names: Names, account: Output[str], region: str) -> None:
        """Copy what is put there; what is removed at home stays in the copy."""
        role = iam.Role(
            "publication-copy",
            name=names.of("publication-copy"),
            assume_role_policy=Output.all(account, self.home.arn).apply(lambda arns: policies.replication_trust(*arns)),
            tags=names.tags("publication"),
            opts=ResourceOptions(parent=self),
        )
        rights = iam.RolePolicy(
            "publication-copy",
            role=role.name,
            policy=Output.all(self.home.arn, self.copy.arn).apply(lambda arns: policies.replication_rights(*arns)),
            opts=ResourceOptions(parent=self),
        )
        s3.BucketReplicationConfig(
            "publication",
            bucket=self.home.bucket,
            region=region,
            role=role.arn,
            rules=[
                s3.BucketReplicationConfigRuleArgs(
                    id="everything",
                    status="Enabled",
                    filter=s3.BucketReplicationConfigRuleFilterArgs(prefix=""),
                    delete_marker_replication=s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(
                        status="Disabled"
                    ),
                    destination=s3.BucketReplicationConfigRuleDestinationArgs(bucket=self.copy.arn),
                )
            ],
            opts=ResourceOptions(parent=self, depends_on=[self.home.versioning, self.copy.versioning, rights]),
        )
