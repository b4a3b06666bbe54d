"""What the recording provider refuses, before anything is made."""

from typing import Any

import pytest

from tests.stands.recording.checking import check
from tests.stands.recording.naming import check_name
from tests.stands.recording.sdk import UnknownTokenError, resource_type
from tests.stands.recording.values import SecretValue, Unknown

SUBNET = "aws:ec2/subnet:Subnet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
RULE = {"fromPort": 443.0, "toPort": 443.0, "protocol": "tcp"}


def reasons(token: str, inputs: dict[str, Any]) -> list[str]:
    return [failure.reason for failure in check(resource_type(token).inputs, inputs)]


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (SUBNET, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24", "mapPublicIpOnLaunch": True, "tags": {"a": "b"}}),
        (SUBNET, {"vpcId": Unknown(), "tags": Unknown(), "__defaults": []}),
        (SUBNET, {"vpcId": SecretValue("vpc-1")}),
        (GROUP, {"ingress": [{**RULE, "cidrBlocks": ["10.0.0.0/8"]}, Unknown()]}),
        (TEMPLATE, {"metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1.0}}),
        ("aws:iam/policy:Policy", {"policy": "{}"}),
        (
            "aws:route53/record:Record",
            {"zoneId": "Z1", "name": "a", "type": "A", "ttl": 60.0, "records": ["192.0.2.1"]},
        ),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"threshold": 0.5, "evaluationPeriods": 3.0}),
        ("aws:s3/bucketObjectv2:BucketObjectv2", {"bucket": "b", "source": {"path": "x"}}),
    ],
)
def test_inputs_that_fit_are_accepted(token: str, inputs: dict[str, Any]) -> None:
    assert reasons(token, inputs) == []


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        (SUBNET, {}, "the property 'vpcId' is required"),
        (SUBNET, {"vpcId": None}, "the property 'vpcId' is required"),
        (SUBNET, {"vpcId": "v", "cidrBlok": "x"}, "there is no property 'cidrBlok'; the nearest is 'cidrBlock'"),
        (SUBNET, {"vpcId": "v", "arn": "x"}, "there is no property 'arn'"),
        (SUBNET, {"vpcId": 7.0}, "the property 'vpcId' must be text, and is a number"),
        (SUBNET, {"vpcId": ["v"]}, "the property 'vpcId' must be text, and is a list"),
        (
            SUBNET,
            {"vpcId": "v", "mapPublicIpOnLaunch": "yes"},
            "the property 'mapPublicIpOnLaunch' must be true or false, and is text",
        ),
        (SUBNET, {"vpcId": "v", "tags": {"a": True}}, "the property 'tags.a' must be text, and is true or false"),
        (SUBNET, {"vpcId": "v", "tags": "a"}, "the property 'tags' must be an object, and is text"),
        (GROUP, {"ingress": {**RULE}}, "the property 'ingress' must be a list, and is an object"),
        (GROUP, {"ingress": [{"fromPort": 1.0, "toPort": 1.0}]}, "the property 'ingress[0].protocol' is required"),
        (
            GROUP,
            {"ingress": [{**RULE, "from_port": 1.0}]},
            "there is no property 'ingress[0].from_port'; the nearest is",
        ),
        (
            GROUP,
            {"ingress": [{**RULE, "fromPort": 443.5}]},
            "the property 'ingress[0].fromPort' must be a whole number, and is a number",
        ),
        (TEMPLATE, {"metadataOptions": {"httpToken": "x"}}, "there is no property 'metadataOptions.httpToken'"),
        ("aws:iam/policy:Policy", {"policy": {"Statement": []}}, "the property 'policy.Version' is required"),
        ("aws:iam/policy:Policy", {"policy": 1.0}, "the property 'policy' must be text or an object, and is a number"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_their_property(
    token: str, inputs: dict[str, Any], reason: str
) -> None:
    assert any(found.startswith(reason) for found in reasons(token, inputs)), reasons(token, inputs)


def test_a_refusal_does_not_tell_the_value() -> None:
    (reason,) = reasons(SUBNET, {"vpcId": "v", "mapPublicIpOnLaunch": SecretValue("hunter2")})
    assert "hunter2" not in reason


def test_a_type_that_pulumi_aws_lacks_is_refused() -> None:
    for token in ("aws:ec2/vpc:Vcp", "aws:ec9/vpc:Vpc", "aws:Vpc"):
        with pytest.raises(UnknownTokenError, match="has no resource type"):
            resource_type(token)


def test_a_name_longer_than_aws_takes_is_refused() -> None:
    balancer = resource_type("aws:lb/loadBalancer:LoadBalancer")
    assert check_name(balancer, {"name": "x" * 32}) == []
    (failure,) = check_name(balancer, {"name": "x" * 33})
    assert failure.reason == f"the name '{'x' * 33}' has 33 characters, and 32 are allowed"
