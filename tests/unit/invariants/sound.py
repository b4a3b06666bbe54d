"""A small graph in which everything is as it must be, to be spoiled by tests."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.program.invariants.network import CDN_PREFIX_LIST, EGRESS, INGRESS
from tests.stands.graph import SECRET, Graph, Resource
from tests.stands.recording.answers import prefix_list_id

REGION = "ap-southeast-3"
CDN = prefix_list_id(CDN_PREFIX_LIST, REGION)
TOPIC = f"arn:aws:sns:{REGION}:123456789012:alarm"
TAGS = {"tegak:stack": "uji", "tegak:location": "jakarta", "tegak:role": "app", "cost-centre": "pemilu"}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}],
}
TRUST = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}}


def made(type_: str, name: str, inputs: Mapping[str, Any], *, id_: str = "", arn: str = "", **more: Any) -> Resource:  # noqa: ANN401
    """A resource as the engine would know it."""
    outputs = {**inputs, "arn": arn, "region": REGION}
    return Resource(f"urn:pulumi:uji::tegak::{type_}::{name}", type_, name, "", id_ or name, inputs, outputs, **more)


def tagged(type_: str, name: str, inputs: Mapping[str, Any], **more: Any) -> Resource:  # noqa: ANN401
    """A resource with its four tags."""
    return made(type_, name, {**inputs, "tags": TAGS}, **more)


def rule(type_: str, name: str, group: str, **source: str) -> Resource:
    """A security group's rule for port 443."""
    inputs = {"securityGroupId": group, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, **source}
    return tagged(type_, name, {**inputs, "description": "Requests of the CDN"})


NETWORK = (
    tagged("aws:ec2/securityGroup:SecurityGroup", "balancer", {"description": "What reaches it"}, id_="sg-lb"),
    tagged("aws:ec2/securityGroup:SecurityGroup", "hosts", {"description": "Hosts"}, id_="sg-hosts"),
    rule(INGRESS, "cdn-in", "sg-lb", prefixListId=CDN),
    rule(INGRESS, "hosts-in", "sg-hosts", referencedSecurityGroupId="sg-lb"),
    rule(EGRESS, "hosts-out", "sg-hosts", cidrIpv6="::/0"),
    tagged("aws:ec2/internetGateway:InternetGateway", "gateway", {}, id_="igw-1"),
    tagged("aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", "way-out", {}, id_="eigw-1"),
    tagged("aws:ec2/subnet:Subnet", "public-1", {}, id_="subnet-public"),
    tagged("aws:ec2/subnet:Subnet", "private-1", {}, id_="subnet-private"),
    made(
        "aws:ec2/route:Route",
        "public",
        {"routeTableId": "rtb-public", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"},
    ),
    made(
        "aws:ec2/route:Route",
        "private",
        {"routeTableId": "rtb-private", "destinationIpv6CidrBlock": "::/0", "egressOnlyGatewayId": "eigw-1"},
    ),
    tagged("aws:ec2/routeTable:RouteTable", "table-public", {}, id_="rtb-public"),
    tagged("aws:ec2/routeTable:RouteTable", "table-private", {}, id_="rtb-private"),
    made(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "with-public",
        {"routeTableId": "rtb-public", "subnetId": "subnet-public"},
    ),
    made(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "with-private",
        {"routeTableId": "rtb-private", "subnetId": "subnet-private"},
    ),
)
SERVING = (
    tagged("aws:lb/loadBalancer:LoadBalancer", "lb", {"securityGroups": ["sg-lb"], "subnets": ["subnet-public"]}),
    tagged(
        "aws:lb/listener:Listener",
        "https",
        {
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
            "defaultActions": [{"type": "fixed-response", "fixedResponse": {"statusCode": "403"}}],
        },
    ),
    tagged(
        "aws:lb/listenerRule:ListenerRule",
        "from-cdn",
        {"conditions": [{"httpHeader": {"httpHeaderName": "x-origin", "values": [SECRET]}}], "actions": []},
    ),
    tagged("aws:lb/targetGroup:TargetGroup", "app", {"healthCheck": {"path": "/healthz"}}),
    tagged(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "host",
        {
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
            "networkInterfaces": [{"associatePublicIpAddress": "false"}],
        },
    ),
    made(
        "aws:autoscaling/group:Group",
        "group",
        {
            "vpcZoneIdentifiers": ["subnet-private"],
            "tags": [{"key": key, "value": value, "propagateAtLaunch": True} for key, value in TAGS.items()],
        },
    ),
)
SHARED = (
    tagged("aws:s3/bucket:Bucket", "snapshots", {}, id_="snapshots", protect=True),
    made(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "shut",
        {
            "bucket": "snapshots",
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    ),
    made(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "encrypted",
        {"bucket": "snapshots", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
    ),
    tagged("aws:kms/key:Key", "key", {"policy": json.dumps(POLICY)}, protect=True),
    tagged("aws:route53/zone:Zone", "zone", {}, protect=True),
    tagged("aws:cloudfront/distribution:Distribution", "cdn", {}, protect=True),
    tagged("aws:iam/role:Role", "role", {"assumeRolePolicy": json.dumps(TRUST)}),
    made("aws:iam/rolePolicy:RolePolicy", "rights", {"policy": json.dumps(POLICY)}),
    tagged("aws:sns/topic:Topic", "topic", {}, arn=TOPIC),
    made("aws:sns/topicSubscription:TopicSubscription", "hears", {"topic": TOPIC}),
    tagged("aws:cloudwatch/metricAlarm:MetricAlarm", "errors", {"alarmActions": [TOPIC]}),
    tagged(
        "aws:cloudtrail/trail:Trail",
        "audit",
        {"enableLogFileValidation": True, "includeGlobalServiceEvents": True, "isMultiRegionTrail": True},
    ),
)
GRAPH = Graph((*NETWORK, *SERVING, *SHARED))


def with_inputs(name: str, **inputs: Any) -> Graph:  # noqa: ANN401
    """The graph with other inputs of one resource; None takes one away."""

    def changed(resource: Resource) -> Resource:
        both = {**resource.inputs, **inputs}
        kept = {key: value for key, value in both.items() if value is not None}
        return replace(resource, inputs=kept, outputs={**resource.outputs, **kept})

    assert GRAPH.named(name)
    return Graph(tuple(changed(each) if each.name == name else each for each in GRAPH.resources))


def without(name: str) -> Graph:
    """The graph without one resource."""
    assert GRAPH.named(name)
    return Graph(tuple(each for each in GRAPH.resources if each.name != name))


def unprotected(name: str) -> Graph:
    """The graph with one resource that may be destroyed."""
    return Graph(tuple(replace(each, protect=each.protect and each.name != name) for each in GRAPH.resources))


def and_also(*more: Resource) -> Graph:
    """The graph with other resources beside its own."""
    return Graph((*GRAPH.resources, *more))
