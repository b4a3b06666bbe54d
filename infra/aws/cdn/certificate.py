"""The certificate of the site's public name."""

import pulumi
from pulumi import CustomTimeouts, Output, ResourceOptions
from pulumi_aws import acm, route53

from infra.aws.location.certificates import NOT_EXPORTED
from infra.aws.outputs import AccountOutputs
from infra.settings.regions import GLOBAL_REGION

PROOF_TTL_SECONDS = 300
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
        proof = certificate.domain_validation_options[0]
        record = route53.Record(
            "site-proof",
            zone_id=account.zone_id,
            name=proof.resource_record_name.apply(_there),
            type=proof.resource_record_type.apply(_there),
            records=[proof.resource_record_value.apply(_there)],
            ttl=PROOF_TTL_SECONDS,
            opts=child,
        )
        self.arn: Output[str] = acm.CertificateValidation(
            "site",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            region=GLOBAL_REGION,
            opts=ResourceOptions(parent=self, custom_timeouts=CustomTimeouts(create=WAIT)),
        ).certificate_arn
        self.register_outputs({"arn": self.arn})


def _there(value: str | None) -> str:
    if value is None:
        raise ValueError("AWS named no proof for a certificate that is proved by a record")
    return value
