"""What the recording provider adds to a thing."""

import json
import re
from ipaddress import IPv6Network

import pytest

from tests.stands.recording.computed import Newborn, computed, new_id, outputs
from tests.stands.recording.diff import replacement_table
from tests.stands.recording.sdk import alternatives, resource_type
from tests.stands.recording.values import Properties, SecretValue

REGION = "ap-southeast-3"


def newborn(token: str, inputs: Properties | None = None, number: int = 0) -> Newborn:
    return Newborn(resource_type(token), inputs or {}, REGION, number)


@pytest.mark.parametrize("token", sorted(replacement_table()))
def test_everything_that_always_has_a_value_has_one_of_its_type(token: str) -> None:
    kind = resource_type(token)
    given: Properties = {name: "x" for name, wanted in kind.inputs.items() if wanted.required}
    made = outputs(kind, given, computed(newborn(token, given)))
    lacking = [name for name, output in kind.outputs.items() if output.required and name not in made]
    assert lacking == []
    for name, value in computed(newborn(token, given)).items():
        (first, *_) = alternatives(kind.outputs[name].hint)
        if first in (str, bool, int, float):
            assert isinstance(value, first), name


@pytest.mark.parametrize("token", sorted(replacement_table()))
def test_no_two_things_have_one_id(token: str) -> None:
    kind = resource_type(token)
    first: Properties = {name: "one" for name, wanted in kind.inputs.items() if wanted.required}
    second: Properties = {**first, "name": "two", "bucket": "two"}
    assert new_id(newborn(token, {**first, "name": "one", "bucket": "one"})) != new_id(newborn(token, second, 1))


@pytest.mark.parametrize(
    ("token", "inputs", "form"),
    [
        ("aws:ec2/vpc:Vpc", {}, r"vpc-[0-9a-f]{17}"),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {}, r"sgr-[0-9a-f]{17}"),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            {"name": "a"},
            r"arn:aws:elasticloadbalancing:\S+:loadbalancer/app/a/\w{16}",
        ),
        ("aws:iam/role:Role", {"name": "host"}, r"host"),
        ("aws:iam/rolePolicy:RolePolicy", {"name": "read", "role": "host"}, r"host:read"),
        ("aws:s3/bucket:Bucket", {"bucket": "snapshots"}, r"snapshots"),
        ("aws:sns/topic:Topic", {"name": "alarm"}, rf"arn:aws:sns:{REGION}:\d{{12}}:alarm"),
        ("aws:kms/key:Key", {}, r"[0-9a-f-]{36}"),
        ("aws:route53/zone:Zone", {}, r"Z[0-9A-F]{13}"),
        ("aws:cloudfront/distribution:Distribution", {}, r"E[0-9A-F]{13}"),
    ],
)
def test_ids_have_the_form_of_real_ones(token: str, inputs: Properties, form: str) -> None:
    assert re.fullmatch(form, new_id(newborn(token, inputs)))


def test_an_arn_names_what_it_is_of() -> None:
    role = computed(newborn("aws:iam/role:Role", {"name": "host"}))
    assert role["arn"] == "arn:aws:iam::123456789012:role/host"
    assert computed(newborn("aws:ec2/vpc:Vpc"))["arn"].endswith(new_id(newborn("aws:ec2/vpc:Vpc")))


def test_a_vpc_has_ipv6_addresses_only_when_asked() -> None:
    assert computed(newborn("aws:ec2/vpc:Vpc"))["ipv6CidrBlock"] == ""
    with_ipv6 = computed(newborn("aws:ec2/vpc:Vpc", {"assignGeneratedIpv6CidrBlock": True}, 300))
    assert IPv6Network(with_ipv6["ipv6CidrBlock"]).prefixlen == 56


def test_a_certificate_asks_for_one_record_for_each_of_its_names() -> None:
    names: Properties = {"domainName": "a.test", "subjectAlternativeNames": ["*.a.test", "a.test"]}
    options = computed(newborn("aws:acm/certificate:Certificate", names))["domainValidationOptions"]
    assert [option["domainName"] for option in options] == ["a.test", "*.a.test"]
    assert all(option["resourceRecordName"].endswith(".a.test.") for option in options)


def test_what_the_program_said_is_what_it_reads_and_stays_secret() -> None:
    kind = resource_type("aws:iam/policy:Policy")
    read = outputs(kind, {"policy": SecretValue({"Statement": []}), "tags": {"a": "b"}, "__defaults": []}, {})
    assert read == {"policy": SecretValue(json.dumps({"Statement": []})), "tags": {"a": "b"}, "tagsAll": {"a": "b"}}
