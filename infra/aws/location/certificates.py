"""Certificates of the name that the CDN asks.

One in each region, since a load balancer of AWS takes none of another one; and for load balancers that one owns, one
whose key may leave AWS.
"""

from collections.abc import Iterable

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import acm, route53

from infra.aws.certificates import EXPORTED, NOT_EXPORTED, prove
from infra.aws.outputs import AccountOutputs


class OriginCertificates(pulumi.ComponentResource):
    """Validated certificates of `origin_names`, among which `origin_name` is.

    ACM asks for the same DNS record in all regions of an account, so that there is one record, made of the first
    certificate. Two resources of one record would overwrite each other, and the first to go would end both renewals.

    `exported` is the ARN of the one whose key may leave ACM, for load balancers that aren't AWS's; None without.

    Args:
        account: What all locations share.
        regions: The locations' regions, at least one.
        exported_in: Where that one is; None if there is to be none.
    """

    def __init__(
        self,
        account: AccountOutputs,
        regions: Iterable[str],
        *,
        exported_in: str | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:OriginCertificates", "origin", None, opts)
        self._account, self._child = account, ResourceOptions(parent=self)
        certificates = {
            region: self._certificate(f"origin-{region}", region, NOT_EXPORTED) for region in dict.fromkeys(regions)
        }
        record = prove("origin-proof", next(iter(certificates.values())), account.zone_id, self._child)
        self._validated = {
            region: self._validate(f"origin-{region}", region, certificate, record)
            for region, certificate in certificates.items()
        }
        self.exported: Output[str] | None = None
        if exported_in:
            certificate = self._certificate("origin-exported", exported_in, EXPORTED)
            self.exported = self._validate("origin-exported", exported_in, certificate, record)
        self.register_outputs({})

    def _certificate(self, name: str, region: str, options: acm.CertificateOptionsArgs) -> acm.Certificate:
        return acm.Certificate(
            name,
            domain_name=self._account.origin_names,
            validation_method="DNS",
            options=options,
            region=region,
            tags=self._account.names.tags("lb", Name=self._account.names.of("origin")),
            opts=self._child,
        )

    def _validate(self, name: str, region: str, certificate: acm.Certificate, record: route53.Record) -> Output[str]:
        return acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            region=region,
            opts=self._child,
        ).certificate_arn

    def in_region(self, region: str) -> Output[str]:
        """ARN of the region's certificate, once it is valid."""
        return self._validated[region]
