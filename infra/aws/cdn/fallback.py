"""What the public is shown when every location is gone: the last published snapshot, out of the bucket."""

from pathlib import Path

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudfront, s3

from infra.aws.outputs import AccountOutputs
from infra.aws.policies import Statement, for_exactly, no_plain_text, policy, service
from infra.bridge.bucket_layout import ARCHIVE_PREFIX, SITE_PREFIX

SORRY_PATH = "/maaf.html"
SORRY_FILE = Path(__file__).resolve().parents[3] / "templates/edge/var/www/tegak/maaf.html.j2"
"""The same page that the edge of our own shows; it has no variables."""


class Fallback(pulumi.ComponentResource):
    """The CDN's way into the bucket, and the page for what isn't there.

    Args:
        account: What is shared.
        region: The bucket's region.
    """

    def __init__(self, account: AccountOutputs, region: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:Fallback", "fallback", None, opts)
        self._account, self._region, self._child = account, region, ResourceOptions(parent=self)
        self.domain: Output[str] = account.publication_bucket.apply(lambda name: f"{name}.s3.{region}.amazonaws.com")
        self.access: Output[str] = cloudfront.OriginAccessControl(
            "fallback",
            name=account.names.of("publication"),
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child,
        ).id
        self._put_sorry_page()
        self.register_outputs({"domain": self.domain})

    def open_to(self, distribution_arn: Output[str]) -> None:
        """Let one distribution read what is public; it is the bucket's only policy."""
        s3.BucketPolicy(
            "publication",
            bucket=self._account.publication_bucket,
            region=self._region,
            policy=Output.all(self._account.publication_bucket_arn, distribution_arn).apply(
                lambda arns: publication_policy(*arns)
            ),
            opts=self._child,
        )

    def _put_sorry_page(self) -> None:
        s3.BucketObjectv2(
            "sorry",
            bucket=self._account.publication_bucket,
            region=self._region,
            key=f"{SITE_PREFIX}{SORRY_PATH}",
            content=SORRY_FILE.read_text(encoding="utf-8"),
            content_type="text/html; charset=utf-8",
            # Not `no-store`, as the edge's own: this is what the error page is made of, and it is asked for in crowds.
            cache_control="public, max-age=10",
            # Its versions are locked like everything there, and must not keep the bucket from being taken down.
            force_destroy=True,
            tags=self._account.names.tags("publication"),
            opts=self._child,
        )


def publication_policy(bucket: str, distribution: str) -> str:
    """The policy of the bucket of releases and snapshots: the CDN reads what is public, and nothing beside it.

    Args:
        bucket: The bucket's ARN.
        distribution: The ARN of the one distribution that may read it.
    """
    public = [f"{bucket}/{prefix}/*" for prefix in (SITE_PREFIX, ARCHIVE_PREFIX)]
    reader = Statement("Cdn", ["s3:GetObject"], public, for_exactly(distribution), service("cloudfront"))
    return policy(no_plain_text(bucket), reader)
