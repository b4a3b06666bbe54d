"""The tier in front of all locations, on AWS: the one name that the public knows."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudfront, route53

from infra.aws.cdn import distribution as shape
from infra.aws.cdn.alarms import CdnAlarms, WatchedCdn
from infra.aws.cdn.caching import Caching
from infra.aws.cdn.certificate import SiteCertificate
from infra.aws.cdn.fallback import Fallback
from infra.aws.cdn.firewall import WebFirewall
from infra.aws.cdn.logs import AccessLogs
from infra.aws.cdn.origins import OriginRecords
from infra.aws.outputs import AccountOutputs, OriginOutputs
from infra.hosts import HostOutputs
from infra.settings.account import AwsSettings, NightSettings


class Cdn(pulumi.ComponentResource):
    """CloudFront over all locations, and over the last published snapshot when there is none.

    Its own name (d….cloudfront.net) is no output: the public knows the site's. To the rest of the program it is the
    edge: one without hosts, whose certificate is a public one. `entry` is its part of the inventory.

    Args:
        aws: What the settings say of the account.
        night: The night that it is made for.
        account: What is shared.
        origins: The locations.
    """

    hosts: Sequence[HostOutputs] = ()
    ca_certificate: Output[str] | None = None

    def __init__(
        self,
        aws: AwsSettings,
        night: NightSettings,
        account: AccountOutputs,
        origins: Sequence[OriginOutputs],
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:Cdn", "cdn", None, opts)
        child = ResourceOptions(parent=self)
        self._account, self._child = account, child
        self.url = f"https://{account.server_name}"
        self.entry: Output[Mapping[str, object]] = Output.from_input(
            {"server_name": account.server_name, "url": self.url}
        )
        certificate = SiteCertificate(account, child)
        firewall = WebFirewall(account, aws.waf, night.poll_seconds, child)
        fallback = Fallback(account, aws.home_region, child)
        records = OriginRecords(account, origins, child)
        shield = shape.shield_region(aws)
        distribution = self._distribution(certificate.arn, firewall.arn, shape.origins(account, fallback, shield))
        fallback.open_to(distribution.arn)
        self._lead_to(distribution)
        AccessLogs(account, distribution.arn, child)
        watched = WatchedCdn(
            distribution.id,
            aws.requests_quota,
            records.health_checks,
            certificate.arn,
            account.publication_bucket,
            aws.home_region,
        )
        CdnAlarms(account, watched, child)
        self.register_outputs({"url": self.url})

    def _distribution(
        self, certificate: Output[str], firewall: Output[str], origins: list[cloudfront.DistributionOriginArgs]
    ) -> cloudfront.Distribution:
        """No continuous deployment: it sends 15 % to the new one at most, and AWS may switch it off under load."""
        caching = Caching(self._account.names, self._child)
        return cloudfront.Distribution(
            "site",
            enabled=True,
            comment=self._account.names.of("cdn"),
            aliases=[self._account.server_name],
            origins=origins,
            origin_groups=[shape.origin_group()],
            default_root_object=shape.DEFAULT_PAGE,
            default_cache_behavior=shape.default_behaviour(caching),
            ordered_cache_behaviors=shape.other_behaviours(caching),
            custom_error_responses=shape.error_responses(),
            web_acl_id=firewall,
            http_version="http2and3",
            is_ipv6_enabled=True,
            # All edges but South America's and Oceania's, the dearest; their few readers get the next best.
            price_class="PriceClass_200",
            viewer_certificate=cloudfront.DistributionViewerCertificateArgs(
                acm_certificate_arn=certificate, minimum_protocol_version="TLSv1.2_2021", ssl_support_method="sni-only"
            ),
            restrictions=cloudfront.DistributionRestrictionsArgs(
                geo_restriction=cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            tags=self._account.names.tags("cdn", Name=self._account.names.of("cdn")),
            opts=ResourceOptions(parent=self, protect=True),
        )

    def _lead_to(self, distribution: cloudfront.Distribution) -> None:
        for kind in ("A", "AAAA"):
            route53.Record(
                f"site-{kind.lower()}",
                zone_id=self._account.zone_id,
                name=self._account.server_name,
                type=kind,
                aliases=[
                    route53.RecordAliasArgs(
                        name=distribution.domain_name,
                        zone_id=distribution.hosted_zone_id,
                        evaluate_target_health=False,
                    )
                ],
                opts=self._child,
            )
