"""Who reaches whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.stands.graph import SECRET, Graph, Resource, part, parts, texts
from tests.stands.recording.answers import prefix_list_id

CDN_PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing"
"""The CDN's addresses: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html."""

EVERYWHERE = "0.0.0.0/0"
EVERYWHERE_IPV6 = "::/0"
SSH_PORT = 22
SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
GROUPS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"


@dataclass(frozen=True)
class Rule:
    """A rule of a security group, however the program wrote it.

    Args:
        name: How to find it.
        group: Id of its group.
        inward: Whether it lets something in.
        sources: From where, or to where.
        ports: The first and the last port; every one for a protocol of -1.
        description: Why it is there.
    """

    name: str
    group: str
    inward: bool
    sources: tuple[str, ...]
    ports: tuple[int, int]
    description: str


def rules(graph: Graph) -> Iterator[Rule]:
    """Every rule: those of their own, and those inside a group."""
    for each in graph.of_type(INGRESS, EGRESS):
        sources = tuple(str(each.inputs[key]) for key in SOURCES if each.inputs.get(key))
        group = str(each.inputs["securityGroupId"])
        yield Rule(each.name, group, each.type == INGRESS, sources, _ports(each.inputs), _reason(each.inputs))
    for each in graph.of_type(RULE):
        inward = each.inputs["type"] == "ingress"
        group = str(each.inputs["securityGroupId"])
        yield Rule(each.name, group, inward, _sources(each.inputs), _ports(each.inputs), _reason(each.inputs))
    for each in graph.of_type(*GROUPS):
        for key in ("ingress", "egress"):
            for index, rule in enumerate(parts(each.inputs, key)):
                name = f"{each.name}.{key}[{index}]"
                yield Rule(name, each.id, key == "ingress", _sources(rule), _ports(rule), _reason(rule))


def _sources(rule: Mapping[str, Any]) -> tuple[str, ...]:
    lists = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups")
    many = [source for key in lists for source in texts(rule, key)]
    own = ["itself"] if rule.get("self") else []
    return (*many, *own, *([str(rule["sourceSecurityGroupId"])] if rule.get("sourceSecurityGroupId") else ()))


def _ports(rule: Mapping[str, Any]) -> tuple[int, int]:
    protocol = str(rule.get("ipProtocol", rule.get("protocol")))
    if protocol == "-1":
        return 0, 65535
    return int(rule.get("fromPort", 0)), int(rule.get("toPort", 65535))


def _reason(rule: Mapping[str, Any]) -> str:
    return str(rule.get("description") or "")


def only_the_cdn_reaches_a_load_balancer(graph: Graph) -> Iterator[str]:
    """A load balancer's security groups let in the CDN's addresses of its region, and nothing else."""
    for balancer in graph.of_type("aws:lb/loadBalancer:LoadBalancer"):
        groups = texts(balancer.inputs, "securityGroups")
        cdn = prefix_list_id(CDN_PREFIX_LIST, balancer.region)
        inward = [rule for rule in rules(graph) if rule.inward and rule.group in groups]
        if not any(cdn in rule.sources for rule in inward):
            yield f"the CDN does not reach the load balancer {balancer.name}"
        for rule in inward:
            for source in rule.sources:
                if source != cdn:
                    yield f"{rule.name} lets {source} reach the load balancer {balancer.name}"


def a_load_balancer_answers_only_who_knows_the_secret(graph: Graph) -> Iterator[str]:
    """Over TLS, 403 by default; what is forwarded brought a header whose value is a secret."""
    for listener in graph.of_type("aws:lb/listener:Listener"):
        if listener.inputs.get("protocol") != "HTTPS" or "TLS13" not in str(listener.inputs.get("sslPolicy")):
            yield f"the listener {listener.name} does not speak TLS 1.3"
        for action in parts(listener.inputs, "defaultActions"):
            if str(part(action, "fixedResponse").get("statusCode")) != "403":
                yield f"the listener {listener.name} does not answer 403 to who brings no secret"
    for rule in graph.of_type("aws:lb/listenerRule:ListenerRule"):
        headers = [part(condition, "httpHeader") for condition in parts(rule.inputs, "conditions")]
        if not any(_is_secret(header.get("values")) for header in headers):
            yield f"the listener's rule {rule.name} forwards without a secret header"


def _is_secret(values: object) -> bool:
    return values in (SECRET, [SECRET])


def every_rule_of_a_security_group_is_explained(graph: Graph) -> Iterator[str]:
    """A rule that says why it is there can be removed when that is over."""
    for rule in rules(graph):
        if len(rule.description.split()) < 2:
            yield f"the rule {rule.name} does not say why it is there"
    for group in graph.of_type(GROUPS[0]):
        if not group.inputs.get("description"):
            yield f"the security group {group.name} does not say what it is for"


def nobody_is_let_in_by_ssh(graph: Graph) -> Iterator[str]:
    """No rule lets anything in on port 22, from wherever: Session Manager needs none."""
    for rule in rules(graph):
        first, last = rule.ports
        if rule.inward and first <= SSH_PORT <= last:
            yield f"the rule {rule.name} lets {', '.join(rule.sources)} in by ssh"


def every_subnet_has_the_routes_that_it_is_meant_to_have(graph: Graph) -> Iterator[str]:
    """Subnets of load balancers lead to the internet; hosts' ones only out, by IPv6; there are no others."""
    public = {
        subnet
        for each in graph.of_type("aws:lb/loadBalancer:LoadBalancer")
        if not each.inputs.get("internal")
        for subnet in texts(each.inputs, "subnets")
    }
    private = {
        subnet
        for each in graph.of_type("aws:autoscaling/group:Group")
        for subnet in texts(each.inputs, "vpcZoneIdentifiers")
    }
    for subnet in graph.of_type("aws:ec2/subnet:Subnet"):
        routes = dict(_routes(graph, subnet))
        if subnet.id in private:
            yield from _private_problems(graph, subnet, routes)
        elif subnet.id not in public:
            yield f"nothing uses the subnet {subnet.name}"
        if subnet.id in public and not _leads_to(graph, routes.get(EVERYWHERE), "InternetGateway"):
            yield f"the subnet {subnet.name} has a load balancer and no way to the internet"
    for gateway in graph.of_type("aws:ec2/natGateway:NatGateway"):
        yield f"there is a NAT gateway, {gateway.name}: hosts need none"


def _private_problems(graph: Graph, subnet: Resource, routes: Mapping[str, str]) -> Iterator[str]:
    for destination, target in routes.items():
        outward = destination == EVERYWHERE_IPV6 and _leads_to(graph, target, "EgressOnlyInternetGateway")
        if not outward:
            yield f"the subnet {subnet.name} has hosts, and a route to {destination} through {target}"
    if not routes:
        yield f"the subnet {subnet.name} has hosts, and they can't fetch packages"
    if subnet.inputs.get("mapPublicIpOnLaunch"):
        yield f"the subnet {subnet.name} gives hosts a public address"


def _routes(graph: Graph, subnet: Resource) -> Iterator[tuple[str, str]]:
    """Destination and target of each route of a subnet's table; gateway endpoints add theirs unseen."""
    tables = {
        each.inputs["routeTableId"]
        for each in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if each.inputs.get("subnetId") == subnet.id
    }
    own = [each.inputs for each in graph.of_type("aws:ec2/route:Route") if each.inputs["routeTableId"] in tables]
    inside = [
        route
        for table in graph.of_type("aws:ec2/routeTable:RouteTable")
        if table.id in tables
        for route in parts(table.inputs, "routes")
    ]
    for route in (*own, *inside):
        destinations = [
            str(value) for key, value in route.items() if key.startswith("destination") or "cidr" in key.lower()
        ]
        targets = [
            str(value) for key, value in route.items() if key.endswith(("GatewayId", "gatewayId", "interfaceId"))
        ]
        yield ", ".join(destinations), ", ".join(targets)


def _leads_to(graph: Graph, target: str | None, kind: str) -> bool:
    return any(each.id == target for each in graph.of_type(f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}"))
