"""The network of an AWS location: what can be reached from where, and what can't."""

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from tests.program.aws_site import HOME, OTHER
from tests.stands.graph import Graph
from tests.stands.recording.answers import prefix_list_id
from tests.stands.recording.world import ACCOUNT


def subnets(aws: Graph, location: str, kind: str) -> dict[str, Mapping[str, Any]]:
    return {made.name: made.inputs for made in aws.of_type("Subnet") if made.name.startswith(f"{location}-{kind}-")}


def rules(aws: Graph, kind: str, group: str) -> list[Mapping[str, Any]]:
    found = (made.inputs for made in aws.of_type(f"SecurityGroup{kind}Rule"))
    return [rule for rule in found if rule["securityGroupId"] == group_id(aws, group)]


def group_id(aws: Graph, name: str) -> str:
    return aws.one("SecurityGroup", name).id


def test_each_zone_has_a_public_and_a_private_subnet_in_that_zone(usual: Graph) -> None:
    for kind in ("public", "private"):
        zones = [subnet["availabilityZone"] for subnet in subnets(usual, "jakarta", kind).values()]
        assert sorted(zones) == [f"{HOME}a", f"{HOME}b", f"{HOME}c"]
        assert len(subnets(usual, "singapura", kind)) == 2


def test_subnets_are_disjoint_and_inside_the_vpc(usual: Graph) -> None:
    own = [IPv4Network(made.inputs["cidrBlock"]) for made in usual.of_type("Subnet") if "jakarta" in made.name]
    assert all(subnet.subnet_of(IPv4Network("10.20.0.0/16")) for subnet in own)
    assert not any(one.overlaps(other) for one in own for other in own if one is not other)


def test_private_subnets_have_ipv6_of_the_vpcs_own(usual: Graph) -> None:
    vpc = IPv6Network(usual.one("Vpc", "jakarta").outputs["ipv6CidrBlock"])
    private = subnets(usual, "jakarta", "private").values()
    given = [IPv6Network(subnet["ipv6CidrBlock"]) for subnet in private]
    assert len(set(given)) == 3
    assert all(subnet["assignIpv6AddressOnCreation"] for subnet in private)
    assert all(net.prefixlen == 64 and net.subnet_of(vpc) for net in given)


def test_hosts_get_no_public_ipv4(usual: Graph) -> None:
    assert not any(made.inputs["mapPublicIpOnLaunch"] for made in usual.of_type("Subnet"))


def test_a_zone_more_leaves_the_others_where_they_are(smaller: Graph, usual: Graph) -> None:
    two = {made.name: made.inputs["cidrBlock"] for made in smaller.of_type("Subnet")}
    three = {made.name: made.inputs["cidrBlock"] for made in usual.of_type("Subnet")}
    assert two.items() < three.items()


def test_public_subnets_route_to_the_internet_and_private_ones_only_out_over_ipv6(usual: Graph) -> None:
    public, private = usual.inputs("Route", "jakarta-public"), usual.inputs("Route", "jakarta-private")
    assert (public["destinationCidrBlock"], public["gatewayId"]) == (
        "0.0.0.0/0",
        usual.one("InternetGateway", "jakarta").id,
    )
    assert private["destinationIpv6CidrBlock"] == "::/0"
    assert private["egressOnlyGatewayId"] == usual.one("EgressOnlyInternetGateway", "jakarta").id
    assert "destinationCidrBlock" not in private
    assert len(usual.of_type("Route")) == 4
    tables = {made.name: made.inputs["routeTableId"] for made in usual.of_type("RouteTableAssociation")}
    assert len(tables) == len(usual.of_type("Subnet"))
    assert all(table == usual.one("RouteTable", name.rpartition("-")[0]).id for name, table in tables.items())


def test_there_is_no_nat(usual: Graph) -> None:
    assert not usual.of_type("NatGateway")


def test_the_default_security_group_lets_nothing_through(usual: Graph) -> None:
    group = usual.inputs("DefaultSecurityGroup", "jakarta")
    assert (group["ingress"], group["egress"]) == ([], [])


def test_every_flow_is_logged_to_the_regions_bucket(usual: Graph) -> None:
    log = usual.inputs("FlowLog", "singapura")
    bucket = usual.one("Bucket", f"tegak-uji-log-{OTHER}").arn
    assert (log["trafficType"], log["logDestination"]) == ("ALL", f"{bucket}/vpc/singapura")


def test_what_a_location_logs_is_where_its_regions_bucket_takes_it(usual: Graph) -> None:
    # AWS writes below AWSLogs/<account>/ of the place that it is given.
    flows = f"{usual.inputs('FlowLog', 'jakarta')['logDestination']}/AWSLogs/{ACCOUNT}/x"
    logs = usual.inputs("LoadBalancer", "jakarta-lb")["accessLogs"]
    requests = f"arn:aws:s3:::{logs['bucket']}/{logs['prefix']}/AWSLogs/{ACCOUNT}/x"
    document = json.loads(usual.inputs("BucketPolicy", f"tegak-uji-log-{HOME}")["policy"])
    taken = {statement["Sid"]: statement["Resource"][0] for statement in document["Statement"]}
    assert fnmatch(flows, taken["Flows"])
    assert fnmatch(requests, taken["LoadBalancers"])


def test_only_the_cdn_reaches_the_load_balancer(usual: Graph) -> None:
    (rule,) = rules(usual, "Ingress", "jakarta-cdn")
    assert rule["prefixListId"] == prefix_list_id("com.amazonaws.global.cloudfront.origin-facing", HOME)
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 443, 443)
    assert rules(usual, "Ingress", "jakarta-lb") == []


def test_the_cdns_list_is_alone_in_its_group(usual: Graph) -> None:
    # It counts as about 55 rules of the 60 that a group may have.
    assert len(rules(usual, "Ingress", "jakarta-cdn")) + len(rules(usual, "Egress", "jakarta-cdn")) == 1


def test_only_the_load_balancer_reaches_a_host(usual: Graph) -> None:
    (rule,) = rules(usual, "Ingress", "jakarta-hosts")
    assert (rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) == (
        group_id(usual, "jakarta-lb"),
        443,
        443,
    )
    (out,) = rules(usual, "Egress", "jakarta-lb")
    assert out["referencedSecurityGroupId"] == group_id(usual, "jakarta-hosts")


def test_hosts_reach_s3_the_endpoints_and_https_over_ipv6_and_nothing_else(usual: Graph) -> None:
    out = rules(usual, "Egress", "jakarta-hosts")
    keys = ("referencedSecurityGroupId", "prefixListId", "cidrIpv6", "cidrIpv4")
    assert {rule[key] for rule in out for key in keys if key in rule} == {
        group_id(usual, "jakarta-endpoints"),
        prefix_list_id(f"com.amazonaws.{HOME}.s3", HOME),
        "::/0",
    }
    assert all((rule["fromPort"], rule["toPort"]) == (443, 443) for rule in out)


def test_only_hosts_reach_the_endpoints(usual: Graph) -> None:
    (rule,) = rules(usual, "Ingress", "jakarta-endpoints")
    assert rule["referencedSecurityGroupId"] == group_id(usual, "jakarta-hosts")
    interfaces = [made.inputs for made in usual.of_type("VpcEndpoint") if made.inputs["vpcEndpointType"] == "Interface"]
    groups = {group for endpoint in interfaces for group in endpoint["securityGroupIds"]}
    assert groups == {group_id(usual, "jakarta-endpoints"), group_id(usual, "singapura-endpoints")}


def test_every_rule_says_why_in_words_that_ec2_takes(usual: Graph) -> None:
    allowed = set(" ._-:/()#,@[]+=&;{}!$*")
    made = [*usual.of_type("SecurityGroupIngressRule"), *usual.of_type("SecurityGroupEgressRule")]
    for rule in [*made, *usual.of_type("SecurityGroup")]:
        text = rule.inputs["description"]
        assert 0 < len(text) <= 255
        assert all(letter.isascii() and (letter.isalnum() or letter in allowed) for letter in text), text


def test_rules_are_resources_of_their_own(usual: Graph) -> None:
    assert not [made for made in usual.of_type("SecurityGroup") if "ingress" in made.inputs or "egress" in made.inputs]


def test_hosts_find_what_they_need_inside_the_vpc(usual: Graph) -> None:
    services = {made.inputs["serviceName"] for made in usual.of_type("VpcEndpoint") if "jakarta" in made.name}
    wanted = ("s3", "ssm", "ssmmessages", "logs", "autoscaling")
    assert services == {f"com.amazonaws.{HOME}.{service}" for service in wanted}
    assert usual.inputs("VpcEndpoint", "jakarta-s3")["routeTableIds"] == [usual.one("RouteTable", "jakarta-private").id]
    assert usual.inputs("VpcEndpoint", "jakarta-ssm")["privateDnsEnabled"]


def test_nothing_is_written_through_the_s3_endpoint_and_only_known_buckets_are_read(usual: Graph) -> None:
    document = json.loads(usual.inputs("VpcEndpoint", "jakarta-s3")["policy"])
    actions = {action for statement in document["Statement"] for action in statement["Action"]}
    resources = {resource for statement in document["Statement"] for resource in statement["Resource"]}
    bucket = usual.one("Bucket", "tegak-uji-publication").arn
    assert actions == {"s3:GetObject", "s3:ListBucket"}
    agents = {f"arn:aws:s3:::{bucket}-{HOME}/*" for bucket in ("amazon-ssm", "amazoncloudwatch-agent")}
    assert resources == {bucket, f"{bucket}/*", *agents}
