"""The test bed itself: the real engine over the recording provider refuses, plans and remembers as over AWS."""

from pathlib import Path
from typing import Any

import pytest

from tests.stands.graph import SECRET
from tests.stands.lab import PROJECT
from tests.stands.recorded import RecordedStack, own_stack, small_stack, write_program

NETWORK = """
from pulumi_aws import ec2

network = ec2.Vpc("net", cidr_block="10.20.0.0/16", tags={"a": "b"})
ec2.Subnet("zone-a", vpc_id=network.id, cidr_block="10.20.0.0/20")
"""


def rewrite(stack: RecordedStack, old: str, new: str) -> None:
    program = (stack.directory / "__main__.py").read_text(encoding="utf-8")
    assert old in program
    write_program(stack.directory, program.replace(old, new))


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        (
            'pulumi.CustomResource("aws:ec2/vpc:Vpc", "net", {"cidrBlok": "10.0.0.0/16"})',
            "there is no property 'cidrBlok'; the nearest is 'cidrBlock'",
        ),
        (
            'ec2.LaunchTemplate("host", metadata_options={"http_tokens": "required", "httpPutLimit": 1})',
            "there is no property 'metadataOptions.httpPutLimit'; the nearest is 'httpPutResponseHopLimit'",
        ),
        (
            'ec2.Vpc("net", cidr_block="10.0.0.0/16", enable_dns_hostnames="yes")',
            "the property 'enableDnsHostnames' must be true or false, and is text",
        ),
        (
            'pulumi.CustomResource("aws:ec2/subnet:Subnet", "zone-a", {"cidrBlock": "10.0.0.0/24"})',
            "the property 'vpcId' is required",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_property(tmp_path: Path, resource: str, sentence: str) -> None:
    stack = small_stack(tmp_path, f"import pulumi\nfrom pulumi_aws import ec2\n{resource}\n")
    assert sentence in stack.refuse()


def test_a_second_up_changes_nothing_and_destroy_leaves_nothing(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK)
    assert stack.preview().names("create") == {"uji-uji", "net", "zone-a"}
    planned = stack.planned()
    assert not stack.world.exists()
    first = stack.up()
    assert {each.urn for each in planned.resources} == {each.urn for each in first.resources}
    assert planned.named("zone-a").property_dependencies == first.named("zone-a").property_dependencies
    assert stack.preview().changes == ()
    assert stack.up() == first
    assert first.named("zone-a").inputs["vpcId"] == first.named("net").id == stack.things()[0]["id"]
    assert first.named("zone-a").dependencies == (first.named("net").urn,)
    stack.destroy()
    assert stack.things() == []


def test_another_range_replaces_a_network_and_another_tag_updates_it(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK)
    before = stack.up()
    rewrite(stack, '"a": "b"', '"a": "c"')
    (step,) = stack.preview().changes
    assert (step.operation, step.name, step.changed, step.replaced_by) == ("update", "net", ("tags.a",), ())

    rewrite(stack, "10.20.0.0/16", "10.20.0.0/17")
    plan = stack.preview()
    assert plan.names("replace") == {"net", "zone-a"}
    (replaced,) = [step for step in plan.steps if (step.operation, step.name) == ("replace", "net")]
    assert replaced.replaced_by == ("cidrBlock",)
    after = stack.up()
    assert after.named("net").id != before.named("net").id
    assert {thing["id"] for thing in stack.things()} == {after.named("net").id, after.named("zone-a").id}


def test_a_region_is_passed_on_and_another_one_replaces(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK)
    assert stack.up().named("net").region == "ap-southeast-3"
    rewrite(stack, 'tags={"a": "b"}', 'region="ap-southeast-1"')
    assert stack.preview().names("replace") == {"net", "zone-a"}
    graph = stack.up()
    assert graph.named("net").region == "ap-southeast-1"
    assert ":ap-southeast-1:" in graph.named("net").arn


def test_a_provider_without_a_region_refuses_to_start(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK, config={})
    assert "the provider has no region" in stack.refuse()


def test_what_is_protected_is_not_destroyed(tmp_path: Path) -> None:
    stack = small_stack(
        tmp_path,
        """
        from pulumi import ResourceOptions
        from pulumi_aws import kms

        kms.Key("snapshots", opts=ResourceOptions(protect=True))
        """,
    )
    assert stack.up().named("snapshots").protect
    assert "because it is protected" in stack.refuse("destroy")
    assert len(stack.things()) == 1
    stack.unprotect()
    stack.destroy()
    assert stack.things() == []


def test_what_vanished_is_seen_and_made_again(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK)
    before = stack.up()
    stack.change_things([thing for thing in stack.things() if thing["name"] != "zone-a"])
    assert [resource.name for resource in stack.refresh().of_aws()] == ["net"]
    assert stack.preview().names("create") == {"zone-a"}
    after = stack.up()
    assert after.named("zone-a").id != before.named("zone-a").id
    assert after.named("net") == before.named("net")


def test_what_was_changed_at_a_console_is_seen_and_put_right(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK)
    stack.up()
    (network, zone) = stack.things()
    changed: dict[str, Any] = {**network, "inputs": {**network["inputs"], "tags": {"a": "by hand"}}}
    stack.change_things([changed, zone])
    (step,) = stack.preview().changes
    assert (step.operation, step.name, step.changed) == ("update", "net", ("tags.a",))
    stack.up()
    assert stack.things() == [network, zone]


def test_two_resources_of_one_name_are_refused(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, f'{NETWORK}\nec2.Vpc("net", cidr_block="10.21.0.0/16")\n')
    assert "Duplicate resource URN" in stack.refuse()


def test_a_name_that_is_taken_in_the_account_is_refused(tmp_path: Path) -> None:
    stack = small_stack(
        tmp_path,
        """
        from pulumi_aws import iam

        iam.Role("one", name="host", assume_role_policy="{}")
        iam.Role("two", name="host", assume_role_policy="{}")
        """,
    )
    assert "there is a aws:iam/role:Role host already" in stack.refuse("up")


def test_what_is_still_used_is_not_deleted(tmp_path: Path) -> None:
    stack = small_stack(tmp_path, NETWORK)
    network = stack.up().named("net").id
    write_program(
        tmp_path, f'from pulumi_aws import ec2\nec2.Subnet("zone-a", vpc_id="{network}", cidr_block="10.20.0.0/20")'
    )
    assert f"{network} is still used by aws:ec2/subnet:Subnet zone-a" in stack.refuse("up")


def test_a_secret_is_in_plain_text_neither_in_the_state_nor_in_the_account(tmp_path: Path) -> None:
    stack = small_stack(
        tmp_path,
        """
        import pulumi
        from pulumi_aws import ssm

        word = pulumi.Output.secret("correct horse")
        held = ssm.Parameter("word", type="SecureString", value=word)
        pulumi.export("copy", held.value)
        """,
    )
    graph = stack.up()
    assert graph.named("word").outputs["value"] == SECRET
    assert graph.outputs["copy"] == SECRET
    files = [file for file in tmp_path.rglob("*.json*") if file.is_file()]
    assert stack.world in files
    assert any("word" in file.read_text(encoding="utf-8") for file in files)
    assert not [file for file in files if "correct horse" in file.read_text(encoding="utf-8")]
    assert stack.preview().changes == ()
    rewrite(stack, "correct horse", "battery staple")
    assert [(step.name, step.changed) for step in stack.preview().changes] == [("word", ("value",))]


def test_a_new_version_of_a_template_reaches_what_depends_on_its_number(tmp_path: Path) -> None:
    stack = small_stack(
        tmp_path,
        """
        from pulumi_aws import autoscaling, ec2

        template = ec2.LaunchTemplate("host", instance_type="c7g.large")
        version = template.latest_version.apply(str)
        autoscaling.Group("hosts", min_size=2, max_size=4, launch_template={"id": template.id, "version": version})
        """,
    )
    assert stack.up().named("hosts").inputs["launchTemplate"]["version"] == "1"
    rewrite(stack, "c7g.large", "c7g.xlarge")
    assert stack.preview().names("update") == {"host", "hosts"}
    assert stack.up().named("hosts").inputs["launchTemplate"]["version"] == "2"


def test_data_sources_are_answered_and_others_refused(tmp_path: Path) -> None:
    stack = small_stack(
        tmp_path,
        """
        import pulumi
        import pulumi_aws
        from pulumi_aws import ec2

        listed = ec2.get_managed_prefix_list(name="com.amazonaws.global.cloudfront.origin-facing", region="us-east-1")
        pulumi.export("list", listed.id)
        pulumi.export("account", pulumi_aws.get_caller_identity_output().account_id)
        """,
    )
    outputs = stack.up().outputs
    assert outputs["list"].startswith("pl-")
    assert outputs["account"] == "123456789012"
    rewrite(
        stack, "import pulumi\n", 'import pulumi\nfrom pulumi_aws import rds\nrds.get_cluster(cluster_identifier="a")\n'
    )
    assert "has no answer to aws:rds/getCluster:getCluster" in stack.pulumi("preview", "-s", stack.name).output


def test_the_program_runs_beside_a_checkout_whose_stack_is_up(tmp_path: Path) -> None:
    settings = (PROJECT / "stacks/Pulumi.lokal.yaml").read_text(encoding="utf-8")
    salt = "encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
    stack = own_stack("lokal", tmp_path, f"{salt}\n{settings}")
    assert salt not in stack.settings.read_text(encoding="utf-8")


def test_the_projects_own_program_runs_beside_the_checkout(tmp_path: Path) -> None:
    before = (PROJECT / "stacks/Pulumi.lokal.yaml").read_text(encoding="utf-8")
    stack = own_stack("lokal", tmp_path, before.replace("app_hosts: 2", "app_hosts: 1"))
    planned = [step.name for step in stack.preview().steps if ":Host::" in step.urn]
    assert sorted(planned) == ["edge-1", "jakarta-app-1", "jakarta-lb-1", "surabaya-app-1", "surabaya-lb-1"]
    assert (PROJECT / "stacks/Pulumi.lokal.yaml").read_text(encoding="utf-8") == before
    assert "encryptionsalt" in stack.settings.read_text(encoding="utf-8")
