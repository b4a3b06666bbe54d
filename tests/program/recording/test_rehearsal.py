"""Programs run in this process are refused what the engine and AWS would refuse, and see what they would see."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi_aws import autoscaling, ec2, ssm

from tests.stands.rehearsal import rehearse


def network(name: str = "net") -> ec2.Vpc:
    return ec2.Vpc(name, cidr_block="10.20.0.0/16", region="ap-southeast-1")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: pulumi.CustomResource("aws:ec2/vpc:Vpc", "net", {"cidrBlok": "10.0.0.0/16"}),
            "no property 'cidrBlok'",
        ),
        (lambda: (network(), network()), "two resources have the URN"),
        (lambda: [ssm.Parameter(name, name="satu", type="String") for name in "ab"], "there is a aws:ssm/parameter"),
        (lambda: pulumi.runtime.invoke("aws:ec2/getVpcs:getVpcs", {}), "has no answer to aws:ec2/getVpcs"),
    ],
    ids=["a property that is not there", "one name twice", "a name that is taken", "a question without an answer"],
)
def test_what_can_not_be_is_refused(make: Callable[[], object], said: str) -> None:
    def program() -> dict[str, Any]:
        make()
        return {}

    with pytest.raises(Exception, match=said):
        rehearse(program)


def test_a_program_sees_what_the_recorder_answers_and_the_graph_what_it_said() -> None:
    def program() -> dict[str, Any]:
        made = network()
        zone = ec2.Subnet("zone", vpc_id=made.id, cidr_block="10.20.0.0/20", region="ap-southeast-1")
        return {"arn": made.arn, "zone": zone.id}

    graph = rehearse(program)
    made, zone = graph.one("Vpc"), graph.one("Subnet")
    assert made.id.startswith("vpc-")
    assert graph.outputs == {"arn": made.arn, "zone": zone.id}
    assert (zone.inputs["vpcId"], zone.region) == (made.id, "ap-southeast-1")
    assert zone.property_dependencies["vpcId"] == zone.dependencies == (made.urn,)


def test_a_secret_is_shown_with_the_path_to_it_and_stays_one() -> None:
    def program() -> dict[str, Any]:
        held = ssm.Parameter("word", type="SecureString", value=pulumi.Output.secret("correct horse"))
        copy = ssm.Parameter("copy", type="String", value=held.value.apply(str.upper), tags={"a": "b"})
        return {"copy": copy.value}

    graph = rehearse(program)
    assert graph.inputs("Parameter", "copy")["value"] == "CORRECT HORSE"
    assert [each.secrets for each in graph.of_type("Parameter")] == [{"value"}, {"value"}]


def test_two_groups_may_have_a_hook_of_one_name() -> None:
    def program() -> dict[str, Any]:
        for name in ("barat", "timur"):
            autoscaling.LifecycleHook(
                name,
                name="ready",
                autoscaling_group_name=name,
                lifecycle_transition="autoscaling:EC2_INSTANCE_LAUNCHING",
            )
        return {}

    assert len(rehearse(program).of_type("LifecycleHook")) == 2
