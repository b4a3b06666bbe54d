"""The network of an AWS location: public subnets for the load balancer, private ones for the hosts, no NAT."""

from ipaddress import IPv6Network

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import ec2
from pulumi_aws.get_availability_zones import get_availability_zones_output

from infra.aws.location.addresses import VpcPlan, private_ipv6
from infra.aws.location.context import LocationContext

EVERYWHERE, EVERYWHERE_IPV6 = "0.0.0.0/0", "::/0"


class Network(pulumi.ComponentResource):
    """A VPC over the location's zones.

    Hosts reach the internet over IPv6 through an egress-only gateway: it costs nothing, whereas a NAT gateway in each
    zone would cost more than the load balancer, and nothing outside can begin a connection. They need it for packages
    at their first boot, and for a bucket of another region; what AWS offers in the region comes through endpoints.

    Args:
        location: The location.
    """

    def __init__(self, location: LocationContext, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:Network", location.name, None, opts)
        self._location = location
        self._plan = VpcPlan(location.settings.network)
        self._zones = get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],  # no local zones
            region=location.region,
        ).names
        self.vpc = self._make_vpc()
        self._close_defaults()
        self._log_flows()
        zones = range(1, location.settings.zones + 1)
        public_routes, self.private_routes = self._route_public(), self._route_private()
        self.public_subnets = [self._make_public(zone, public_routes) for zone in zones]
        self.private_subnets = [self._make_private(zone, self.private_routes) for zone in zones]
        self.register_outputs({"vpc_id": self.vpc.id})

    def _make_vpc(self) -> ec2.Vpc:
        return ec2.Vpc(
            self._location.name,
            cidr_block=str(self._plan.network),
            assign_generated_ipv6_cidr_block=True,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # the endpoints' private names need it
            region=self._location.region,
            tags=self._location.tags("network"),
            opts=ResourceOptions(parent=self),
        )

    def _close_defaults(self) -> None:
        """Take every rule from the group that a resource gets when nobody names one."""
        ec2.DefaultSecurityGroup(
            self._location.name,
            vpc_id=self.vpc.id,
            ingress=[],
            egress=[],
            region=self._location.region,
            tags=self._location.tags("network", "default", "closed"),
            opts=ResourceOptions(parent=self),
        )

    def _log_flows(self) -> None:
        bucket = self._location.account.log_buckets[self._location.region]
        ec2.FlowLog(
            self._location.name,
            vpc_id=self.vpc.id,
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=Output.format("arn:aws:s3:::{0}/vpc/{1}", bucket, self._location.name),
            destination_options={"file_format": "parquet", "per_hour_partition": True},
            region=self._location.region,
            tags=self._location.tags("network", "flows"),
            opts=ResourceOptions(parent=self),
        )

    def _route_public(self) -> ec2.RouteTable:
        gateway = ec2.InternetGateway(
            self._location.name,
            vpc_id=self.vpc.id,
            region=self._location.region,
            tags=self._location.tags("network"),
            opts=ResourceOptions(parent=self),
        )
        table = self._make_table("public")
        ec2.Route(
            f"{self._location.name}-public",
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )
        return table

    def _route_private(self) -> ec2.RouteTable:
        gateway = ec2.EgressOnlyInternetGateway(
            self._location.name,
            vpc_id=self.vpc.id,
            region=self._location.region,
            tags=self._location.tags("network"),
            opts=ResourceOptions(parent=self),
        )
        table = self._make_table("private")
        ec2.Route(
            f"{self._location.name}-private",
            route_table_id=table.id,
            destination_ipv6_cidr_block=EVERYWHERE_IPV6,
            egress_only_gateway_id=gateway.id,
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )
        return table

    def _make_table(self, kind: str) -> ec2.RouteTable:
        # Without `routes`: they would fight with those of their own, and with the S3 endpoint's.
        return ec2.RouteTable(
            f"{self._location.name}-{kind}",
            vpc_id=self.vpc.id,
            region=self._location.region,
            tags=self._location.tags("network", kind),
            opts=ResourceOptions(parent=self),
        )

    def _make_public(self, zone: int, table: ec2.RouteTable) -> ec2.Subnet:
        name = f"public-{zone}"
        subnet = ec2.Subnet(
            f"{self._location.name}-{name}",
            vpc_id=self.vpc.id,
            availability_zone=self._zone(zone),
            cidr_block=str(self._plan.public(zone)),
            map_public_ip_on_launch=False,  # the load balancer takes its addresses itself; nothing else is here
            region=self._location.region,
            tags=self._location.tags("network", name),
            opts=ResourceOptions(parent=self),
        )
        self._associate(name, subnet, table)
        return subnet

    def _make_private(self, zone: int, table: ec2.RouteTable) -> ec2.Subnet:
        name = f"private-{zone}"
        subnet = ec2.Subnet(
            f"{self._location.name}-{name}",
            vpc_id=self.vpc.id,
            availability_zone=self._zone(zone),
            cidr_block=str(self._plan.private(zone)),
            ipv6_cidr_block=self.vpc.ipv6_cidr_block.apply(lambda cidr: str(private_ipv6(IPv6Network(cidr), zone))),
            assign_ipv6_address_on_creation=True,
            map_public_ip_on_launch=False,
            region=self._location.region,
            tags=self._location.tags("network", name),
            opts=ResourceOptions(parent=self),
        )
        self._associate(name, subnet, table)
        return subnet

    def _associate(self, name: str, subnet: ec2.Subnet, table: ec2.RouteTable) -> None:
        ec2.RouteTableAssociation(
            f"{self._location.name}-{name}",
            subnet_id=subnet.id,
            route_table_id=table.id,
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )

    def _zone(self, zone: int) -> Output[str]:
        return self._zones.apply(lambda names: names[zone - 1])
