"""Certificates of AWS, and the record by which it sees that a name is ours."""

from pulumi import Output, ResourceOptions
from pulumi_aws import acm, route53

PROOF_TTL_SECONDS = 300

NOT_EXPORTED = acm.CertificateOptionsArgs(export="DISABLED")
"""Said, not left out: the provider would have AWS make one that can be exported, and is paid for
(https://github.com/hashicorp/terraform-provider-aws/pull/47414)."""

EXPORTED = acm.CertificateOptionsArgs(export="ENABLED")


def prove(name: str, certificate: acm.Certificate, zone_id: Output[str], opts: ResourceOptions) -> route53.Record:
    """Put the proof of a certificate into the zone; AWS renews the certificate as long as it stands there.

    Args:
        name: What the program calls it.
        certificate: A certificate of one name.
        zone_id: The zone that the name is in.
        opts: Whose part it is.
    """
    proof = certificate.domain_validation_options[0]
    return route53.Record(
        name,
        zone_id=zone_id,
        name=proof.resource_record_name.apply(_named),
        type=proof.resource_record_type.apply(_named),
        records=[proof.resource_record_value.apply(_named)],
        ttl=PROOF_TTL_SECONDS,
        opts=opts,
    )


def _named(value: str | None) -> str:
    if value is None:
        raise ValueError("AWS named no proof for a certificate that is proved by a record")
    return value
