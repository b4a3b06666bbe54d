"""Whole stacks on AWS: the project's own program, by the real engine, over an account that is a file."""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.bridge.inventory import GroupLocation, parse_inventory
from infra.settings.stack import parse_settings
from tests.program.invariants import violations
from tests.stands.graph import EnginePlan, Graph, read_plan
from tests.stands.lab import PROJECT, LabStack
from tests.stands.recorded import RecordedStack, own_stack

Config = dict[str, Any]


def settings_of(name: str) -> Config:
    """A stack's settings."""
    document: Config = yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text(encoding="utf-8"))
    return document


def with_machines(document: Config, shelf: LabStack) -> Config:
    """The settings, with hosts of the lab in place of machines that one owns: somebody answers at their addresses."""
    hosts = iter(shelf.inventory().hosts)
    for location in document["config"]["tegak:locations"]:
        for machine, host in zip(location.get("machines", ()), hosts, strict=False):
            machine.update(address=str(host.address), host_keys=list(host.host_keys))
    return document


@contextmanager
def stack_of(name: str, shelf: LabStack) -> Generator[RecordedStack, None, None]:
    with tempfile.TemporaryDirectory(prefix=f"tegak-{name}.") as directory:
        (Path(directory) / ".secrets").symlink_to(PROJECT / ".secrets")
        yield own_stack(name, Path(directory), yaml.safe_dump(with_machines(settings_of(name), shelf)))


@pytest.fixture(scope="module")
def production(shelf: LabStack) -> Generator[tuple[RecordedStack, Graph], None, None]:
    """`produksi`, up from nothing; each test leaves its settings and its account as they were."""
    with stack_of("produksi", shelf) as stack:
        yield stack, stack.up()


def regions_of(name: str) -> tuple[str, ...]:
    config = settings_of(name)["config"]
    config = {key.removeprefix("tegak:"): value for key, value in config.items() if key.startswith("tegak:")}
    return parse_settings(json.loads(json.dumps(config, default=str)), name).regions


def test_production_comes_up_from_nothing_as_it_must_be_and_a_second_time_nothing_changes(
    production: tuple[RecordedStack, Graph],
) -> None:
    stack, graph = production
    assert len(graph.of_aws()) > 200
    assert list(violations(graph, regions_of("produksi"))) == []
    assert stack.preview().changes == ()


def test_staging_comes_up_as_it_must_be_with_the_shape_of_production(
    production: tuple[RecordedStack, Graph], shelf: LabStack
) -> None:
    _, graph = production
    with stack_of("staging", shelf) as stack:
        small = stack.up()
        assert list(violations(small, regions_of("staging"))) == []
        # Signing the zone, reserved units and warm hosts are for the night alone.
        assert "origin" not in small.outputs  # no load balancer of one's own needs to know it
        assert {each.type for each in small.of_aws()} <= {each.type for each in graph.of_aws()}
        stack.unprotect()
        stack.destroy()
        assert stack.things() == []


def test_what_must_not_vanish_can_not_be_destroyed(production: tuple[RecordedStack, Graph]) -> None:
    stack, graph = production
    # With its preview, as it is typed: skipping that, the engine removes what it may before it meets what it may not.
    assert "protected" in stack.fail("destroy", "--yes", "-s", stack.name)
    assert {each.urn for each in stack.graph().of_aws()} == {each.urn for each in graph.of_aws()}


def test_no_two_things_of_a_kind_in_a_region_have_the_same_name(production: tuple[RecordedStack, Graph]) -> None:
    _, graph = production
    # Records and rules are known by more than a name.
    named = [
        (each.type, each.region, str(each.outputs["name"]))
        for each in graph.of_aws()
        if each.outputs.get("name") and each.kind != "Record"
    ]
    assert [name for name, count in Counter(named).items() if count > 1] == []


def test_secrets_are_nowhere_in_plain_text(production: tuple[RecordedStack, Graph]) -> None:
    stack, _ = production
    shown = json.loads(stack.succeed("stack", "export", "--show-secrets", "-s", stack.name))
    secrets = {
        json.loads(each["outputs"]["value"]["plaintext"])
        for each in shown["deployment"]["resources"]
        if each["type"].endswith(":Secret")
    }
    assert len(secrets) == 2
    kept = [path for path in (stack.directory / "state").rglob("*") if path.is_file()]
    for file in (*kept, stack.world):
        text = file.read_text(encoding="utf-8", errors="replace")
        assert not [secret for secret in secrets if secret in text], file.name


def test_the_inventory_says_how_hosts_of_a_group_are_found_and_names_none(
    production: tuple[RecordedStack, Graph],
) -> None:
    _, graph = production
    inventory = parse_inventory(graph.outputs["inventory"])
    assert {host.location for host in inventory.hosts} == {"kementerian"}  # those that one owns
    places = [place for place in inventory.locations if isinstance(place, GroupLocation)]
    assert [(place.name, place.region) for place in places] == [
        ("jakarta", "ap-southeast-3"),
        ("singapura", "ap-southeast-1"),
    ]
    groups = {each.arn for each in graph.of_type("aws:lb/targetGroup:TargetGroup")}
    assert {place.target_group_arn for place in places} == groups
    assert len(graph.outputs["name_servers"]) == 4
    assert graph.outputs["ds_record"] == graph.one("KeySigningKey").outputs["dsRecord"]


def test_machines_that_one_owns_are_behind_the_cdn_with_their_share_and_checked_from_outside(
    production: tuple[RecordedStack, Graph],
) -> None:
    _, graph = production
    (machines,) = parse_inventory(graph.outputs["inventory"]).balanced
    assert (machines.name, machines.behind_cdn, machines.endpoint.port) == ("kementerian", True, 443)
    records = [each for each in graph.of_type("aws:route53/record:Record") if each.inputs.get("setIdentifier")]
    weights = {each.inputs["setIdentifier"]: each.inputs["weightedRoutingPolicies"][0]["weight"] for each in records}
    assert weights == {"jakarta": 8, "singapura": 8, "kementerian": 2}
    own = next(each for each in records if each.inputs["setIdentifier"] == "kementerian")
    (check,) = graph.of_type("aws:route53/healthCheck:HealthCheck")
    assert own.inputs["records"] == [str(machines.endpoint.address)] == [check.inputs["ipAddress"]]
    exported = [
        each.region
        for each in graph.of_type("aws:acm/certificate:Certificate")
        if each.inputs["options"]["export"] == "ENABLED"
    ]
    assert exported == ["ap-southeast-3"]


def test_the_inventory_names_the_bucket_in_the_home_region_that_the_cdn_falls_back_to(
    production: tuple[RecordedStack, Graph],
) -> None:
    _, graph = production
    published = parse_inventory(graph.outputs["inventory"]).publication
    assert published
    (bucket,) = [each for each in graph.of_type("aws:s3/bucket:Bucket") if each.outputs["bucket"] == published.bucket]
    assert (bucket.region, published.region) == ("ap-southeast-3", "ap-southeast-3")
    (distribution,) = graph.of_type("aws:cloudfront/distribution:Distribution")
    origins = [str(origin["domainName"]) for origin in distribution.outputs["origins"]]
    assert f"{published.bucket}.s3.{published.region}.amazonaws.com" in origins


def place(index: int, **changes: object) -> Callable[[Config], None]:
    return lambda config: config["tegak:locations"][index].update(changes)


def hosts(**changes: int) -> Callable[[Config], None]:
    return lambda config: config["tegak:locations"][0]["hosts"].update(changes)


def key(name: str, **changes: object) -> Callable[[Config], None]:
    return lambda config: config[f"tegak:{name}"].update(changes)


NOTHING: set[str] = set()


@pytest.mark.parametrize(
    ("change", "updated", "replaced"),
    [
        (hosts(usual=2), {"jakarta-hosts", "jakarta-few", "jakarta-day"}, NOTHING),
        (hosts(night=9), {"jakarta-night", "origin-jakarta"}, NOTHING),
        (hosts(most=20), {"jakarta-hosts", "jakarta-full"}, NOTHING),
        (place(0, instance_type="c7g.large"), {"jakarta-host", "jakarta-hosts"}, NOTHING),
        (key("aws", waf="block"), {"firewall"}, NOTHING),
        (key("budget", month_usd=1300), {"month"}, NOTHING),
        (
            key("aws", alarm_email="lain@contoh-pemilu.id"),
            {"month", "night"},
            {"alarm-ap-southeast-1", "alarm-ap-southeast-3", "alarm-us-east-1"},
        ),
    ],
    ids=["usual hosts", "hosts of the night", "most hosts", "type", "firewall", "budget", "who gets alarms"],
)
def test_a_changed_setting_changes_just_what_it_is_about(
    production: tuple[RecordedStack, Graph],
    change: Callable[[Config], None],
    updated: set[str],
    replaced: set[str],
) -> None:
    plan = changed(production[0], change)
    assert (plan.names("update"), plan.names("replace")) == (updated, replaced)


def into_singapore(config: Config) -> None:
    """Its region, and the quotas that it would need there."""
    place(0, region="ap-southeast-1", reserved_units=0)(config)
    key("aws", vcpu_quotas={"ap-southeast-1": 999})(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (place(0, network="10.21.0.0/16"), "network 10.20.0.0/16 to 10.21.0.0/16"),
        (into_singapore, "region ap-southeast-3 to ap-southeast-1"),
    ],
    ids=["network", "region"],
)
def test_a_location_that_was_put_elsewhere_is_refused_with_the_way_to_move_it_and_nothing_is_changed(
    production: tuple[RecordedStack, Graph], change: Callable[[Config], None], said: str
) -> None:
    stack, graph = production
    before = stack.things()
    with with_settings(stack, change):
        for command in ("preview", "up"):
            output = stack.refuse(command)
            assert f"location jakarta can't move from {said} while it serves; nothing of it was changed" in output
            assert "next: add a location with another name there" in output
    assert [thing for thing in stack.things() if thing["inputs"].get("vpcId")] == [
        thing for thing in before if thing["inputs"].get("vpcId")
    ]
    assert stack.graph().named("jakarta", "Vpc").inputs == graph.named("jakarta", "Vpc").inputs


def test_what_the_documents_make_anew_is_made_anew_and_nothing_that_is_protected(
    production: tuple[RecordedStack, Graph],
) -> None:
    stack, graph = production
    named: list[str] = re.findall(r"--replace '([^']+)'", (PROJECT / "docs/aws.md").read_text(encoding="utf-8"))
    words = [word for pattern in named for word in ("--replace", pattern)]
    plan = read_plan(json.loads(stack.succeed("preview", "--json", "-s", stack.name, *words)))
    assert {"origin", "origin-name", "origin-exported"} <= plan.names("replace")
    assert "site" in plan.names("update")  # the CDN asks by the new name, with the new secret
    protected = {each.urn for each in graph.resources if each.protect}
    assert not protected & {step.urn for step in plan.changes if "replace" in step.operation}


@contextmanager
def with_settings(stack: RecordedStack, change: Callable[[Config], None]) -> Generator[None, None, None]:
    """Other settings, for a while."""
    before = stack.settings.read_text(encoding="utf-8")
    document: Config = yaml.safe_load(before)
    change(document["config"])
    try:
        stack.settings.write_text(yaml.safe_dump(document), encoding="utf-8")
        yield
    finally:
        stack.settings.write_text(before, encoding="utf-8")


def changed(stack: RecordedStack, change: Callable[[Config], None]) -> EnginePlan:
    with with_settings(stack, change):
        return stack.preview()
