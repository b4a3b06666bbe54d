"""One name that leads to a healthy location: what the CDN asks."""

from collections.abc import Iterable

import pulumi
from pulumi import ResourceOptions
from pulumi_aws import route53

from infra.aws.outputs import AccountOutputs, OriginOutputs

TTL_SECONDS = 30
HTTPS_PORT = 443


class OriginRecords(pulumi.ComponentResource):
    """Weighted records of `origin_name`, one for each location; one that isn't healthy is left out.

    Of a load balancer AWS itself knows the health. A location with an address of its own is asked for /healthz from
    AWS's checkers around the world, every 10 s. If none is healthy, all are named: the CDN asks, and falls back.

    IPv4 only: the load balancers let in what comes from the CDN's list of IPv4 addresses.

    Args:
        account: What is shared.
        origins: The locations.
    """

    def __init__(
        self, account: AccountOutputs, origins: Iterable[OriginOutputs], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:aws:OriginRecords", "origins", None, opts)
        self._account, self._child = account, ResourceOptions(parent=self)
        self.health_checks: dict[str, pulumi.Output[str]] = {}
        for origin in origins:
            self._add(origin)
        self.register_outputs({})

    def _add(self, origin: OriginOutputs) -> None:
        weight = route53.RecordWeightedRoutingPolicyArgs(weight=origin.weight)
        if origin.alias:
            name, zone = origin.alias
            route53.Record(
                f"origin-{origin.location}",
                zone_id=self._account.zone_id,
                name=self._account.origin_name,
                type="A",
                set_identifier=origin.location,
                weighted_routing_policies=[weight],
                aliases=[route53.RecordAliasArgs(name=name, zone_id=zone, evaluate_target_health=True)],
                opts=self._child,
            )
            return
        if not origin.address:
            raise ValueError(f"{origin.location} has neither a load balancer nor an address")
        self.health_checks[origin.location] = self._health_check(origin.location, origin.address)
        route53.Record(
            f"origin-{origin.location}",
            zone_id=self._account.zone_id,
            name=self._account.origin_name,
            type="A",
            set_identifier=origin.location,
            weighted_routing_policies=[weight],
            records=[origin.address],
            ttl=TTL_SECONDS,
            health_check_id=self.health_checks[origin.location],
            opts=self._child,
        )

    def _health_check(self, location: str, address: str) -> pulumi.Output[str]:
        names = self._account.names
        return route53.HealthCheck(
            f"origin-{location}",
            type="HTTPS",
            ip_address=address,
            fqdn=self._account.origin_name,
            enable_sni=True,
            port=HTTPS_PORT,
            resource_path="/healthz",
            request_interval=10,
            failure_threshold=2,
            tags=names.tags("dns", location, Name=names.of(location)),
            opts=self._child,
        ).id
