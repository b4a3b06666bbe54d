"""The certificate of the site's public name."""

import pulumi
from pulumi import CustomTimeouts, Output, ResourceOptions
from pulumi_aws import acm

from infra.aws.certificates import NOT_EXPORTED, prove
from infra.aws.outputs import AccountOutputs
from infra.settings.regions import GLOBAL_REGION

WAIT = "30m"
"""AWS sees the proof within minutes, or never: then the zone isn't delegated (docs/aws.md)."""


class SiteCertificate(pulumi.ComponentResource):
    """A certificate that AWS renews by itself, as long as its proof stands in the zone.

    Args:
        account: What is shared.
    """

    def __init__(self, account: AccountOutputs, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:SiteCertificate", "certificate", None, opts)
        child = ResourceOptions(parent=self)
        certificate = acm.Certificate(
            "site",
            domain_name=account.server_name,
            validation_method="DNS",
            options=NOT_EXPORTED,
            # The CDN takes certificates from there only.
            region=GLOBAL_REGION,
            tags=account.names.tags("cdn"),
            opts=child,
        )
        record = prove("site-proof", certificate, account.zone_id, child)
        self.arn: Output[str] = acm.CertificateValidation(
            "site",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            region=GLOBAL_REGION,
            opts=ResourceOptions(parent=self, custom_timeouts=CustomTimeouts(create=WAIT)),
        ).certificate_arn
        self.register_outputs({"arn": self.arn})
