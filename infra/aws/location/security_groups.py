"""Who may talk to whom in an AWS location: security groups, with one resource and one reason for each rule."""

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import ec2, vpc

from infra.aws.location.context import LocationContext
from infra.aws.location.network import EVERYWHERE_IPV6, Network

HTTPS = 443
CDN_PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing"


class SecurityGroups(pulumi.ComponentResource):
    """The security groups of a location.

    The load balancer has two: the list of the CDN's addresses counts about 55 of the 60 rules that a group may have, so
    that it is in a group of its own. Nothing lets ssh in: Session Manager reaches a host from inside.

    Args:
        location: The location.
        network: Its network.
    """

    def __init__(self, location: LocationContext, network: Network, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:Firewall", location.name, None, opts)
        self._location = location
        self._vpc_id = network.vpc.id
        self.cdn = self._group("cdn", "lb", "What the CDN may ask the load balancer")
        self.balancer = self._group("lb", "lb", "What the load balancer may ask the hosts")
        self.hosts = self._group("hosts", "app", "Hosts")
        self.endpoints = self._group("endpoints", "network", "What AWS offers inside the VPC")

        cdn, s3 = self._prefix_list(CDN_PREFIX_LIST), self._prefix_list(f"com.amazonaws.{location.region}.s3")
        self._let_in("cdn", self.cdn, "The CDN asks for pages; nobody else reaches the load balancer", prefix_list=cdn)
        self._let_out("lb-hosts", self.balancer, "Requests and health checks to the hosts", to=self.hosts)
        self._let_in("hosts-lb", self.hosts, "Requests and health checks of the load balancer", source=self.balancer)
        self._let_out("hosts-endpoints", self.hosts, "Session Manager, logs, Auto Scaling", to=self.endpoints)
        self._let_in("endpoints-hosts", self.endpoints, "Only hosts use the endpoints", source=self.hosts)
        self._let_out("hosts-s3", self.hosts, "Releases, snapshots and the SSM agent from S3", prefix_list=s3)
        self._let_out("hosts-out", self.hosts, "Packages, and the bucket of another region", cidr_ipv6=EVERYWHERE_IPV6)
        self.register_outputs({})

    def _group(self, name: str, role: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            f"{self._location.name}-{name}",
            vpc_id=self._vpc_id,
            description=description,
            region=self._location.region,
            tags=self._location.tags(role, name),
            opts=ResourceOptions(parent=self),
        )

    def _prefix_list(self, name: str) -> Output[str]:
        return ec2.get_managed_prefix_list_output(name=name, region=self._location.region).id

    def _let_in(
        self,
        name: str,
        group: ec2.SecurityGroup,
        reason: str,
        *,
        source: ec2.SecurityGroup | None = None,
        prefix_list: Input[str] | None = None,
    ) -> None:
        vpc.SecurityGroupIngressRule(
            f"{self._location.name}-{name}",
            security_group_id=group.id,
            description=reason,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            referenced_security_group_id=source.id if source else None,
            prefix_list_id=prefix_list,
            region=self._location.region,
            tags=self._location.tags("network", name),
            opts=ResourceOptions(parent=self),
        )

    def _let_out(
        self,
        name: str,
        group: ec2.SecurityGroup,
        reason: str,
        *,
        to: ec2.SecurityGroup | None = None,
        prefix_list: Input[str] | None = None,
        cidr_ipv6: str | None = None,
    ) -> None:
        vpc.SecurityGroupEgressRule(
            f"{self._location.name}-{name}",
            security_group_id=group.id,
            description=reason,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            referenced_security_group_id=to.id if to else None,
            prefix_list_id=prefix_list,
            cidr_ipv6=cidr_ipv6,
            region=self._location.region,
            tags=self._location.tags("network", name),
            opts=ResourceOptions(parent=self),
        )
