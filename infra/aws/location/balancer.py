"""The load balancer of an AWS location: answers the CDN alone, and divides its requests over the hosts."""

import pulumi
from pulumi import Input, ResourceOptions
from pulumi_aws import lb

from infra.aws.location.context import LocationContext
from infra.aws.location.network import Network
from infra.aws.location.night import NightPlan
from infra.aws.location.security_groups import HTTPS, SecurityGroups
from infra.bridge.origin import ORIGIN_HEADER

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, and of 1.2 only what has forward secrecy and authenticated encryption: the CDN may still ask with it."""

IDLE_SECONDS = 60
"""Longer than the CDN keeps an idle connection (50 s at most), shorter than the hosts' nginx does (75 s): the side that
sends requests is the one that closes, see docs/decisions/0006-three-that-may-ask-again.md."""

DRAIN_SECONDS = 20
"""A host's nginx gives up on a request after 10 s."""

REFUSED = "403"
CDN_FIRST = 1


class Balancer(pulumi.ComponentResource):
    """An ALB that forwards only requests that bring the CDN's secret, and its target group.

    The way from the load balancer to the hosts is encrypted too. The load balancer doesn't check who signed a host's
    certificate: hosts make it themselves at first boot, and the VPC sees to it that no other answers at their address.

    Args:
        location: The location.
        network: Its network.
        security_groups: Its security groups.
        certificate_arn: A validated certificate of the name that the CDN asks, in this region.
        night: When capacity is reserved.
    """

    def __init__(
        self,
        location: LocationContext,
        network: Network,
        security_groups: SecurityGroups,
        certificate_arn: Input[str],
        night: NightPlan,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:Balancer", location.name, None, opts)
        self._location = location
        self.load_balancer = self._make_load_balancer(network, security_groups, night)
        self.target_group = self._make_target_group(network)
        listener = self._listen(certificate_arn)
        self.rule = self._forward_what_the_cdn_asks(listener)
        self.register_outputs({"dns_name": self.load_balancer.dns_name})

    def _make_load_balancer(
        self, network: Network, security_groups: SecurityGroups, night: NightPlan
    ) -> lb.LoadBalancer:
        units = self._location.settings.reserved_units if night.is_on else 0
        return lb.LoadBalancer(
            f"{self._location.name}-lb",
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",  # the CDN needs no more, and each family is one more way in
            subnets=[subnet.id for subnet in network.public_subnets],
            security_groups=[security_groups.cdn.id, security_groups.balancer.id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            idle_timeout=IDLE_SECONDS,
            enable_deletion_protection=True,
            access_logs={
                "bucket": self._location.account.log_buckets[self._location.region],
                "prefix": f"lb/{self._location.name}",
                "enabled": True,
            },
            minimum_load_balancer_capacity={"capacity_units": units} if units else None,
            region=self._location.region,
            tags=self._location.tags("lb"),
            opts=ResourceOptions(parent=self),
        )

    def _make_target_group(self, network: Network) -> lb.TargetGroup:
        return lb.TargetGroup(
            f"{self._location.name}-app",
            vpc_id=network.vpc.id,
            target_type="instance",
            protocol="HTTPS",
            port=HTTPS,
            protocol_version="HTTP1",
            # A host that is slow gets less. Rules out a slow start, which AWS has for round robin only.
            load_balancing_algorithm_type="least_outstanding_requests",
            deregistration_delay=DRAIN_SECONDS,
            health_check={
                "protocol": "HTTPS",
                "path": "/healthz",
                "matcher": "200",
                "interval": 5,
                "timeout": 2,
                "healthy_threshold": 2,
                "unhealthy_threshold": 2,
            },
            region=self._location.region,
            tags=self._location.tags("lb", "app"),
            opts=ResourceOptions(parent=self),
        )

    def _listen(self, certificate_arn: Input[str]) -> lb.Listener:
        """Port 443 and no other: the CDN asks with TLS, and nobody is sent from http to https here."""
        return lb.Listener(
            f"{self._location.name}-https",
            load_balancer_arn=self.load_balancer.arn,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=certificate_arn,
            default_actions=[
                {"type": "fixed-response", "fixed_response": {"content_type": "text/plain", "status_code": REFUSED}}
            ],
            region=self._location.region,
            tags=self._location.tags("lb", "https"),
            opts=ResourceOptions(parent=self),
        )

    def _forward_what_the_cdn_asks(self, listener: lb.Listener) -> lb.ListenerRule:
        secret = self._location.account.origin_secret
        return lb.ListenerRule(
            f"{self._location.name}-cdn",
            listener_arn=listener.arn,
            priority=CDN_FIRST,
            conditions=[{"http_header": {"http_header_name": ORIGIN_HEADER, "values": [secret]}}],
            actions=[{"type": "forward", "target_group_arn": self.target_group.arn}],
            region=self._location.region,
            tags=self._location.tags("lb", "cdn"),
            opts=ResourceOptions(parent=self),
        )
