"""Certificates of the name that the CDN asks: one in each region, since a load balancer takes none of another one."""

from collections.abc import Iterable

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import acm, route53

from infra.aws.outputs import AccountOutputs

RECORD_SECONDS = 300


class OriginCertificates(pulumi.ComponentResource):
    """Validated certificates of `origin_name`.

    ACM asks for the same DNS record in all regions of an account, so that there is one record, made of the first
    certificate. Two resources of one record would overwrite each other, and the first to go would end both renewals.

    Args:
        account: What all locations share.
        regions: The locations' regions, at least one.
    """

    def __init__(self, account: AccountOutputs, regions: Iterable[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:OriginCertificates", "origin", None, opts)
        certificates = {
            region: acm.Certificate(
                f"origin-{region}",
                domain_name=account.origin_name,
                validation_method="DNS",
                # The logs of issued certificates are public, and would tell where the site is behind the CDN.
                options={"certificate_transparency_logging_preference": "DISABLED"},
                region=region,
                tags=account.names.tags("lb", Name=account.names.of("origin")),
                opts=ResourceOptions(parent=self),
            )
            for region in dict.fromkeys(regions)
        }
        proof = next(iter(certificates.values())).domain_validation_options[0]
        record = route53.Record(
            "origin-proof",
            zone_id=account.zone_id,
            name=proof.resource_record_name.apply(_known),
            type=proof.resource_record_type.apply(_known),
            records=[proof.resource_record_value.apply(_known)],
            ttl=RECORD_SECONDS,
            opts=ResourceOptions(parent=self),
        )
        self._validated = {
            region: acm.CertificateValidation(
                f"origin-{region}",
                certificate_arn=certificate.arn,
                validation_record_fqdns=[record.fqdn],
                region=region,
                opts=ResourceOptions(parent=self),
            ).certificate_arn
            for region, certificate in certificates.items()
        }
        self.register_outputs({})

    def in_region(self, region: str) -> Output[str]:
        """ARN of the region's certificate, once it is valid."""
        return self._validated[region]


def _known(text: str | None) -> str:
    if text is None:
        raise ValueError("ACM named no DNS record for the certificate")
    return text
