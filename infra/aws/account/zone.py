"""The site's part of the name system."""

from collections.abc import Sequence

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import kms, route53

from infra.aws.account import policies
from infra.aws.account.keys import DELETION_DAYS
from infra.aws.names import Names
from infra.settings.regions import GLOBAL_REGION

CAA_TTL_SECONDS = 3600
CERTIFICATE_AUTHORITY = "amazon.com"
"""Whose certificates are believed for the zone: https://docs.aws.amazon.com/acm/latest/userguide/setup-caa.html."""


class Zone(pulumi.ComponentResource):
    """The zone. Somebody has to have it delegated: enter its name servers at the parent zone, and `ds_record` after.

    Args:
        domain: The zone's name.
        names: Names and tags.
        account: The account's id.
        signed: Whether it is signed (DNSSEC).
    """

    def __init__(
        self, domain: str, names: Names, account: Output[str], *, signed: bool, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:aws:Zone", "zone", None, opts)
        zone = route53.Zone(
            "zone",
            name=domain,
            comment=names.of(),
            tags=names.tags("dns"),
            opts=ResourceOptions(parent=self, protect=True),
        )
        self.zone_id: Output[str] = zone.zone_id
        self.name_servers: Output[Sequence[str]] = zone.name_servers
        route53.Record(
            "caa",
            zone_id=self.zone_id,
            name=domain,
            type="CAA",
            ttl=CAA_TTL_SECONDS,
            records=[f'0 {kind} "{CERTIFICATE_AUTHORITY}"' for kind in ("issue", "issuewild")],
            opts=ResourceOptions(parent=self),
        )
        self.ds_record: Output[str] | None = self._sign(names, account) if signed else None
        self.register_outputs({"zone_id": self.zone_id})

    def _sign(self, names: Names, account: Output[str]) -> Output[str]:
        """Sign it. That is protected: a zone that is signed no more while its parent says so can't be looked up."""
        kept = ResourceOptions(parent=self, protect=True)
        key = kms.Key(
            "signing",
            # Route 53 takes keys from there only.
            region=GLOBAL_REGION,
            description=f"{names.of()}: signs the zone",
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            policy=account.apply(policies.signing_key_policy),
            deletion_window_in_days=DELETION_DAYS,
            tags=names.tags("dns", Name=names.of("signing")),
            opts=kept,
        )
        signing = route53.KeySigningKey(
            "signing",
            hosted_zone_id=self.zone_id,
            key_management_service_arn=key.arn,
            name="tegak",
            opts=kept,
        )
        # Of the key, not of the zone: the key must be there as long as the zone is signed.
        route53.HostedZoneDnsSec("signing", hosted_zone_id=signing.hosted_zone_id, opts=kept)
        return signing.ds_record
