"""What the recording provider says a change means."""

import pytest

from tests.stands.recording.diff import NoFactsError, compare, replacement_table
from tests.stands.recording.naming import DEFAULTS
from tests.stands.recording.sdk import resource_type
from tests.stands.recording.values import SecretValue, Unknown

VPC = resource_type("aws:ec2/vpc:Vpc")
GROUP = resource_type("aws:ec2/securityGroup:SecurityGroup")


def test_the_same_is_no_change_whatever_the_provider_noted() -> None:
    found = compare(VPC, {"tags": {"a": "b"}, DEFAULTS: []}, {"tags": {"a": "b"}, "cidrBlock": None, DEFAULTS: ["x"]})
    assert (found.changes, found.replaces) == ({}, ())


def test_each_change_is_told_by_its_path() -> None:
    found = compare(
        GROUP,
        {"tags": {"a": "b", "tegak:role": "lb"}, "ingress": [{"fromPort": 1.0}], "revokeRulesOnDelete": True},
        {"tags": {"a": "c"}, "ingress": [{"fromPort": 2.0}], "egress": []},
    )
    assert found.changes == {
        "egress": "add",
        "ingress[0].fromPort": "update",
        "revokeRulesOnDelete": "delete",
        "tags.a": "update",
        'tags["tegak:role"]': "delete",
    }
    assert found.replaces == ()


def test_what_can_not_be_changed_in_place_replaces() -> None:
    assert compare(VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}).replaces == ("cidrBlock",)
    assert compare(VPC, {"region": "us-east-1"}, {"region": "us-west-2"}).replaces == ("region",)
    assert compare(VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": Unknown()}).replaces == ("cidrBlock",)


def test_secrets_are_compared_by_what_they_hide() -> None:
    assert compare(VPC, {"cidrBlock": SecretValue("x")}, {"cidrBlock": SecretValue("x")}).changes == {}
    assert compare(VPC, {"cidrBlock": SecretValue("x")}, {"cidrBlock": SecretValue("y")}).changes == {
        "cidrBlock": "update"
    }


def test_an_old_thing_goes_first_only_if_the_program_gave_both_the_same_name() -> None:
    old, new = {"name": "lb", "description": "x"}, {"name": "lb", "description": "y"}
    assert compare(GROUP, old, new).frees_name
    assert not compare(GROUP, old, {**new, DEFAULTS: ["name"]}).frees_name
    assert not compare(GROUP, old, {**new, "name": "other"}).frees_name
    assert not compare(GROUP, old, {**old, "tags": {}}).frees_name


def test_a_type_that_nobody_looked_up_is_no_guess() -> None:
    kind = resource_type("aws:neptune/cluster:Cluster")
    assert compare(kind, {"engine": "a"}, {"engine": "a"}).changes == {}
    with pytest.raises(NoFactsError, match=r"engine of aws:neptune/cluster:Cluster changed"):
        compare(kind, {"engine": "a"}, {"engine": "b"})


@pytest.mark.parametrize("token", sorted(replacement_table()))
def test_the_table_names_only_types_and_properties_that_there_are(token: str) -> None:
    assert set(replacement_table()[token]) <= set(resource_type(token).inputs)
