"""What no resource may be: a counter-example for each."""

import json
from typing import Any

import pytest
from pulumi import Output

from infra.aws.names import Names
from infra.guards import problems
from infra.settings.stack import parse_settings
from tests.unit.infra.test_aws_settings import read_config

SETTINGS = parse_settings(read_config("produksi"), "produksi")
REGION = "ap-southeast-3"
TAGS = dict(Names("produksi", "pemilu-2029").tags("app", "jakarta"))
SPECS = [{"resourceType": kind, "tags": TAGS} for kind in ("instance", "volume")]

VPC, RULE = "aws:ec2/vpc:Vpc", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
GROUP, DEFAULT = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
SCALING = "aws:autoscaling/group:Group"
TEMPLATE, INSTANCE = "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance"
VOLUME = "aws:ebs/volume:Volume"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACL, BUCKET, POLICY = "aws:s3/bucketAcl:BucketAcl", "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"
ROLE = "aws:iam/role:Role"

DISK = {"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}
GOOD: dict[str, dict[str, Any]] = {
    VPC: {"region": REGION, "tags": TAGS},
    RULE: {"region": REGION, "tags": TAGS, "prefixListId": "pl-1", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443},
    OLD_RULE: {"region": REGION, "type": "ingress", "protocol": "tcp", "fromPort": 443, "toPort": 443},
    GROUP: {"region": REGION, "tags": TAGS},
    DEFAULT: {"region": REGION, "tags": TAGS, "ingress": [], "egress": []},
    SCALING: {"region": REGION, "tags": [{"key": key, "value": value} for key, value in TAGS.items()]},
    TEMPLATE: {
        "region": REGION,
        "tags": TAGS,
        "tagSpecifications": SPECS,
        "metadataOptions": {"httpTokens": "required"},
        "blockDeviceMappings": [DISK],
    },
    INSTANCE: {
        "region": REGION,
        "tags": TAGS,
        "metadataOptions": {"httpTokens": "required"},
        "rootBlockDevice": {"encrypted": True},
    },
    VOLUME: {"region": REGION, "tags": TAGS, "encrypted": True},
    BLOCK: {
        "region": REGION,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    ACL: {"region": REGION, "acl": "private"},
    BUCKET: {"region": REGION, "tags": TAGS},
    POLICY: {"region": REGION, "policy": json.dumps({"Statement": []})},
    ROLE: {"tags": TAGS},
}


def found(kind: str, **changes: object) -> list[str]:
    props = {key: value for key, value in {**GOOD[kind], **changes}.items() if value is not None}
    return problems(kind, "contoh", props, SETTINGS)


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_as_it_should_be_passes(kind: str) -> None:
    assert found(kind) == []


def policy(**statement: object) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", **statement}]})


def without(*keys: str) -> dict[str, str]:
    return {key: value for key, value in TAGS.items() if key not in keys}


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        (VPC, {"tags": None}, "Vpc contoh lacks the tags tegak:stack, tegak:location, tegak:role, cost-centre"),
        (VPC, {"tags": without("cost-centre")}, "lacks the tags cost-centre"),
        (ROLE, {"tags": without("tegak:role")}, "Role contoh lacks the tags tegak:role"),
        (SCALING, {"tags": [{"key": "tegak:stack", "value": "x"}]}, "lacks the tags tegak:location, tegak:role"),
        (VPC, {"region": "eu-west-1"}, "is in eu-west-1, which is no region of this stack (ap-southeast-3, ap-"),
        (VPC, {"region": None}, "names no region"),
        (RULE, {"fromPort": 22, "toPort": 22}, "SecurityGroupIngressRule contoh lets ssh in"),
        (RULE, {"fromPort": 20.0, "toPort": 30.0}, "lets ssh in"),
        (RULE, {"ipProtocol": "-1", "fromPort": None, "toPort": None}, "lets ssh in"),
        (RULE, {"prefixListId": None, "cidrIpv4": "0.0.0.0/0"}, "is open to 0.0.0.0/0"),
        (RULE, {"prefixListId": None, "cidrIpv6": "::/0"}, "is open to ::/0"),
        (OLD_RULE, {"fromPort": 0, "toPort": 65535}, "lets ssh in"),
        (OLD_RULE, {"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}, "is open to 0.0.0.0/0"),
        (GROUP, {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22}]}, "lets ssh in"),
        (DEFAULT, {"ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0}]}, "lets ssh in"),
        (TEMPLATE, {"metadataOptions": {"httpTokens": "optional"}}, "allows version 1 of the metadata service"),
        (TEMPLATE, {"metadataOptions": None}, "allows version 1 of the metadata service"),
        (TEMPLATE, {"blockDeviceMappings": None}, "has a disk that is not encrypted"),
        (TEMPLATE, {"blockDeviceMappings": [DISK, {"ebs": {"encrypted": "false"}}]}, "has a disk that is not"),
        (TEMPLATE, {"tagSpecifications": SPECS[:1]}, "starts a volume without the tags tegak:stack"),
        (INSTANCE, {"metadataOptions": None}, "allows version 1 of the metadata service"),
        (INSTANCE, {"rootBlockDevice": None}, "has a disk that is not encrypted"),
        (INSTANCE, {"ebsBlockDevices": [{"encrypted": False}]}, "has a disk that is not encrypted"),
        (VOLUME, {"encrypted": None}, "Volume contoh is not encrypted"),
        (BLOCK, {"blockPublicPolicy": False}, "lets a bucket be public: blockPublicPolicy must be true"),
        (BLOCK, {"ignorePublicAcls": None}, "lets a bucket be public: ignorePublicAcls must be true"),
        (ACL, {"acl": "public-read"}, "makes a bucket public"),
        (BUCKET, {"acl": "authenticated-read"}, "makes a bucket public"),
        (
            ACL,
            {
                "accessControlPolicy": {
                    "grants": [{"grantee": {"uri": "http://acs.amazonaws.com/groups/global/AllUsers"}}]
                }
            },
            "makes a bucket public",
        ),
        (POLICY, {"policy": policy(Principal="*")}, "makes a bucket public: it allows something to everybody"),
        (POLICY, {"policy": policy(Principal={"AWS": ["*"]})}, "makes a bucket public"),
    ],
)
def test_what_no_resource_may_be_is_refused_in_a_sentence(kind: str, changes: dict[str, Any], sentence: str) -> None:
    (problem,) = found(kind, **changes)
    assert sentence in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (VPC, {"tags": Output.from_input(TAGS)}),
        (RULE, {"fromPort": 80, "toPort": 80}),
        (OLD_RULE, {"type": "egress", "cidrBlocks": ["0.0.0.0/0"], "fromPort": 0, "toPort": 65535}),
        (TEMPLATE, {"metadataOptions": {"httpEndpoint": "disabled"}}),
        (POLICY, {"policy": policy(Principal="*", Condition={"StringEquals": {"aws:SourceArn": "x"}})}),
        (POLICY, {"policy": policy(Principal="*", Effect="Deny")}),
        (POLICY, {"policy": policy(Principal={"Service": "logging.s3.amazonaws.com"})}),
        (POLICY, {"policy": Output.from_input("not known yet")}),
    ],
)
def test_what_only_looks_like_it_passes(kind: str, changes: dict[str, Any]) -> None:
    assert found(kind, **changes) == []


def test_every_problem_of_a_resource_is_told() -> None:
    assert len(found(RULE, tags=None, region="eu-west-1", fromPort=22, toPort=22, cidrIpv4="0.0.0.0/0")) == 4


def test_only_resources_of_aws_are_looked_at() -> None:
    assert problems("tegak:lab:Host", "contoh", {}, SETTINGS) == []
