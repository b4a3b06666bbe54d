"""For each invariant graphs that violate it, and what it says of them."""

import json
from typing import Any

from tests.program.invariants import Invariant
from tests.program.invariants import account as a
from tests.program.invariants import hosts as h
from tests.program.invariants import identity as i
from tests.program.invariants import network as n
from tests.program.invariants import storage as s
from tests.stands.graph import Graph
from tests.unit.invariants.sound import (
    CDN,
    POLICY,
    REGION,
    TAGS,
    TOPIC,
    and_also,
    made,
    rule,
    tagged,
    unprotected,
    with_inputs,
    without,
)

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INLINE = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "description": "All of them", "cidrBlocks": ["0.0.0.0/0"]}
OLD_RULE = {"type": "ingress", "securityGroupId": "sg-lb", "description": "Some of them", "protocol": "-1"}
ROUTE = "aws:ec2/route:Route"


def policy(**statement: Any) -> str:  # noqa: ANN401
    return json.dumps({"Statement": [{**POLICY["Statement"][0], **statement}]})  # pyright: ignore[reportGeneralTypeIssues]


Case = tuple[Invariant, Graph, str]
NETWORK: list[Case] = [
    (n.only_the_cdn_reaches_a_load_balancer, without("cdn-in"), "the CDN does not reach the load balancer lb"),
    (
        n.only_the_cdn_reaches_a_load_balancer,
        and_also(rule(n.INGRESS, "open", "sg-lb", cidrIpv4="0.0.0.0/0")),
        "open lets 0.0.0.0/0 reach the load balancer lb",
    ),
    (
        n.only_the_cdn_reaches_a_load_balancer,
        and_also(rule(n.INGRESS, "inside", "sg-lb", referencedSecurityGroupId="sg-hosts")),
        "inside lets sg-hosts reach the load balancer lb",
    ),
    (
        n.only_the_cdn_reaches_a_load_balancer,
        with_inputs("cdn-in", prefixListId=CDN.swapcase()),
        f"cdn-in lets {CDN.swapcase()} reach the load balancer lb",
    ),
    (
        n.only_the_cdn_reaches_a_load_balancer,
        with_inputs("balancer", ingress=[INLINE]),
        "balancer.ingress[0] lets 0.0.0.0/0 reach the load balancer lb",
    ),
    (
        n.only_the_cdn_reaches_a_load_balancer,
        and_also(made(n.RULE, "old", {**OLD_RULE, "ipv6CidrBlocks": ["::/0"]})),
        "old lets ::/0 reach the load balancer lb",
    ),
    (
        n.only_the_cdn_reaches_a_load_balancer,
        with_inputs("lb", securityGroups=None),
        "the CDN does not reach the load balancer lb",
    ),
    (
        n.a_load_balancer_answers_only_who_knows_the_secret,
        with_inputs("https", protocol="HTTP"),
        "the listener https does not speak TLS 1.3",
    ),
    (
        n.a_load_balancer_answers_only_who_knows_the_secret,
        with_inputs("https", sslPolicy="ELBSecurityPolicy-2016-08"),
        "the listener https does not speak TLS 1.3",
    ),
    (
        n.a_load_balancer_answers_only_who_knows_the_secret,
        with_inputs("https", defaultActions=[{"type": "forward", "targetGroupArn": "app"}]),
        "the listener https does not answer 403 to who brings no secret",
    ),
    (
        n.a_load_balancer_answers_only_who_knows_the_secret,
        with_inputs("from-cdn", conditions=[{"httpHeader": {"values": ["plain"]}}]),
        "the listener's rule from-cdn forwards without a secret header",
    ),
    (
        n.a_load_balancer_answers_only_who_knows_the_secret,
        with_inputs("from-cdn", conditions=[{"pathPattern": {"values": ["/*"]}}]),
        "the listener's rule from-cdn forwards without a secret header",
    ),
    (
        n.every_rule_of_a_security_group_is_explained,
        with_inputs("hosts-out", description=None),
        "the rule hosts-out does not say why it is there",
    ),
    (
        n.every_rule_of_a_security_group_is_explained,
        with_inputs("hosts", ingress=[{**INLINE, "description": "x"}]),
        "the rule hosts.ingress[0] does not say why it is there",
    ),
    (
        n.every_rule_of_a_security_group_is_explained,
        with_inputs("hosts", description=""),
        "the security group hosts does not say what it is for",
    ),
    (
        n.nobody_is_let_in_by_ssh,
        with_inputs("hosts-in", fromPort=20, toPort=30),
        "the rule hosts-in lets sg-lb in by ssh",
    ),
    (
        n.nobody_is_let_in_by_ssh,
        with_inputs("hosts-in", ipProtocol="-1", fromPort=None, toPort=None),
        "the rule hosts-in lets sg-lb in by ssh",
    ),
    (
        n.nobody_is_let_in_by_ssh,
        and_also(made(n.RULE, "old", {**OLD_RULE, "self": True})),
        "the rule old lets itself in by ssh",
    ),
]
SUBNETS: list[Case] = [
    (n.every_subnet_has_the_routes_that_it_is_meant_to_have, graph, sentence)
    for graph, sentence in (
        (
            and_also(
                made(
                    ROUTE,
                    "nat",
                    {"routeTableId": "rtb-private", "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "x"},
                )
            ),
            "the subnet private-1 has hosts, and a route to 0.0.0.0/0 through x",
        ),
        (
            with_inputs("table-private", routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"}]),
            "the subnet private-1 has hosts, and a route to 0.0.0.0/0 through igw-1",
        ),
        (
            with_inputs("private", egressOnlyGatewayId=None, gatewayId="igw-1"),
            "the subnet private-1 has hosts, and a route to ::/0 through igw-1",
        ),
        (without("private"), "the subnet private-1 has hosts, and they can't fetch packages"),
        (with_inputs("private-1", mapPublicIpOnLaunch=True), "the subnet private-1 gives hosts a public address"),
        (
            with_inputs("public", gatewayId="eigw-1"),
            "the subnet public-1 has a load balancer and no way to the internet",
        ),
        (without("with-public"), "the subnet public-1 has a load balancer and no way to the internet"),
        (and_also(tagged("aws:ec2/subnet:Subnet", "idle", {})), "nothing uses the subnet idle"),
        (
            and_also(tagged("aws:ec2/natGateway:NatGateway", "nat", {})),
            "there is a NAT gateway, nat: hosts need none",
        ),
        (
            with_inputs("lb", subnets=["subnet-private"]),
            "the subnet private-1 has a load balancer and no way to the internet",
        ),
    )
]
STORAGE: list[Case] = [
    (s.every_bucket_is_private, without("shut"), "the bucket snapshots does not block public access"),
    (
        s.every_bucket_is_private,
        with_inputs("shut", restrictPublicBuckets=False),
        "the bucket snapshots leaves restrictPublicBuckets open",
    ),
    (
        s.every_bucket_is_private,
        and_also(made("aws:s3/bucketAcl:BucketAcl", "acl", {"bucket": "snapshots", "acl": "public-read"})),
        "the access list acl opens the bucket snapshots",
    ),
    (
        s.every_bucket_is_private,
        and_also(made("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration", "site", {"bucket": "snapshots"})),
        "site makes the bucket snapshots a public site",
    ),
    (s.every_bucket_is_encrypted, without("encrypted"), "the bucket snapshots is not encrypted"),
    (s.every_bucket_is_encrypted, with_inputs("encrypted", rules=[{}]), "the bucket snapshots is not encrypted"),
    *(
        (s.what_must_not_vanish_is_protected, unprotected(name), f"the {kind} {name} is not protected")
        for kind, name in (("Bucket", "snapshots"), ("Key", "key"), ("Zone", "zone"), ("Distribution", "cdn"))
    ),
]
IDENTITY: list[Case] = [
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("rights", policy="{"),
        "policy of the RolePolicy rights is no policy",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("rights", policy="[secret]"),
        "policy of the RolePolicy rights is no policy",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("role", assumeRolePolicy="{}"),
        "assumeRolePolicy of the Role role is no policy",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("rights", policy=policy(Effect="Perhaps")),
        "policy of the RolePolicy rights is no policy",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("rights", policy=policy(Action=["s3:Get*"], Resource="*")),
        "the policy of the RolePolicy rights allows s3:Get* on *",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("rights", policy=policy(Action="*", Resource=["arn:aws:s3:::*"])),
        "the policy of the RolePolicy rights allows * on arn:aws:s3:::*",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("role", inlinePolicies=[{"policy": policy(Action="ec2:*", Resource="*")}]),
        "the policy of the Role role allows ec2:* on *",
    ),
    (
        i.every_policy_can_be_read_and_is_minimal,
        with_inputs("rights", policy=policy(NotResource="arn:aws:s3:::b")),
        "the policy of the RolePolicy rights allows all but some: NotResource",
    ),
    (
        i.no_policy_lets_everybody_in,
        and_also(made("aws:s3/bucketPolicy:BucketPolicy", "readers", {"policy": policy(Principal="*")})),
        "the policy of the BucketPolicy readers lets everybody in",
    ),
    (
        i.no_policy_lets_everybody_in,
        with_inputs("key", policy=policy(Principal={"AWS": ["*"]})),
        "the policy of the Key key lets everybody in",
    ),
]
TOKEN = {"httpTokens": "required", "httpPutResponseHopLimit": 1}
TEMPLATES: list[tuple[dict[str, Any], str]] = [
    ({"metadataOptions": None}, "gives credentials to who brings no token (IMDSv1)"),
    (
        {"metadataOptions": {**TOKEN, "httpTokens": "optional"}},
        "gives credentials to who brings no token (IMDSv1)",
    ),
    (
        {"metadataOptions": {**TOKEN, "httpPutResponseHopLimit": 2}},
        "lets credentials travel further than one hop",
    ),
    ({"keyName": "mine"}, "lets somebody in by an ssh key"),
    ({"networkInterfaces": [{"associatePublicIpAddress": "true"}]}, "gives hosts a public address"),
    ({"blockDeviceMappings": None}, "says nothing of its disks"),
    (
        {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {}}]},
        "has a disk that is not encrypted, /dev/xvda",
    ),
]
HOSTS: list[Case] = [
    *(
        (
            h.every_target_group_asks_whether_a_host_is_healthy,
            with_inputs("app", healthCheck=check),
            "the target group app does not ask its hosts for /healthz",
        )
        for check in (None, {"path": "/"}, {"path": "/healthz", "enabled": False})
    ),
    *(
        (h.every_host_starts_hardened, with_inputs("host", **inputs), f"the launch template host {words}")
        for inputs, words in TEMPLATES
    ),
]
ACCOUNT: list[Case] = [
    (a.every_alarm_reaches_somebody, with_inputs("errors", alarmActions=[]), "the alarm errors tells nobody"),
    (a.every_alarm_reaches_somebody, with_inputs("errors", actionsEnabled=False), "the alarm errors tells nobody"),
    (
        a.every_alarm_reaches_somebody,
        without("topic"),
        f"the alarm errors tells {TOPIC}, which is no topic of {REGION}",
    ),
    (a.every_alarm_reaches_somebody, without("hears"), "the alarm errors tells a topic that nobody hears, topic"),
    (a.every_action_is_audited, without("audit"), "no trail writes down what is done in the account"),
    (
        a.every_action_is_audited,
        with_inputs("audit", isMultiRegionTrail=False),
        "the trail audit does not say isMultiRegionTrail",
    ),
    (a.every_action_is_audited, with_inputs("audit", enableLogging=False), "the trail audit is switched off"),
    (
        a.everything_has_the_four_tags,
        with_inputs("zone", tags={**TAGS, "cost-centre": ""}),
        "the Zone zone lacks the tag cost-centre",
    ),
    (
        a.everything_has_the_four_tags,
        with_inputs("gateway", tags=None),
        "the InternetGateway gateway lacks the tag tegak:stack, tegak:location, tegak:role, cost-centre",
    ),
    (
        a.everything_has_the_four_tags,
        with_inputs("group", tags=[{"key": key, "value": value} for key, value in TAGS.items()]),
        "the Group group lacks the tag tegak:stack, tegak:location, tegak:role, cost-centre",
    ),
]
CASES = [*NETWORK, *SUBNETS, *STORAGE, *IDENTITY, *HOSTS, *ACCOUNT]
