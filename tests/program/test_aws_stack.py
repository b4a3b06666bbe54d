"""Whole stacks on AWS: the project's own program, by the real engine, over an account that is a file."""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.inventory import GroupLocation, parse_inventory
from infra.settings import parse_settings
from tests.lab import PROJECT
from tests.program.graph import Graph, Plan
from tests.program.invariants import violations
from tests.program.recorded import RecordedStack, own_stack

Config = dict[str, Any]


def settings_of(name: str) -> Config:
    """A stack's settings, but for machines one owns: nobody answers at their addresses here."""
    document: Config = yaml.safe_load((PROJECT / f"stacks/Pulumi.{name}.yaml").read_text(encoding="utf-8"))
    locations = document["config"]["tegak:locations"]
    document["config"]["tegak:locations"] = [place for place in locations if place["kind"] == "aws"]
    return document


@contextmanager
def stack_of(name: str) -> Generator[RecordedStack, None, None]:
    with tempfile.TemporaryDirectory(prefix=f"tegak-{name}.") as directory:
        (Path(directory) / ".secrets").symlink_to(PROJECT / ".secrets")
        yield own_stack(name, Path(directory), yaml.safe_dump(settings_of(name)))


@pytest.fixture(scope="module")
def production() -> Generator[tuple[RecordedStack, Graph], None, None]:
    """`produksi`, up from nothing; each test leaves its settings and its account as they were."""
    with stack_of("produksi") as stack:
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


def test_staging_comes_up_as_it_must_be_with_the_shape_of_production(production: tuple[RecordedStack, Graph]) -> None:
    _, graph = production
    with stack_of("staging") as stack:
        small = stack.up()
        assert list(violations(small, regions_of("staging"))) == []
        # Signing the zone, reserved units and warm hosts are for the night alone.
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
    assert inventory.hosts == ()
    places = [place for place in inventory.locations if isinstance(place, GroupLocation)]
    assert [(place.name, place.region) for place in places] == [
        ("jakarta", "ap-southeast-3"),
        ("singapura", "ap-southeast-1"),
    ]
    groups = {each.arn for each in graph.of_type("aws:lb/targetGroup:TargetGroup")}
    assert {place.target_group_arn for place in places} == groups
    assert len(graph.outputs["name_servers"]) == 4


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


def test_another_network_replaces_only_what_is_in_it_and_nothing_that_is_protected(
    production: tuple[RecordedStack, Graph],
) -> None:
    stack, graph = production
    protected = {each.urn for each in graph.resources if each.protect}
    plan = changed(stack, place(0, network="10.21.0.0/16"))
    replaced = {step.urn for step in plan.changes if "replace" in step.operation}
    inside = {each.urn for each in graph.inside(graph.named("jakarta", "Location"))}
    assert {graph.named("jakarta", "Vpc").urn} <= replaced <= inside
    assert not replaced & protected


def changed(stack: RecordedStack, change: Callable[[Config], None]) -> Plan:
    before = stack.settings.read_text(encoding="utf-8")
    document: Config = yaml.safe_load(before)
    change(document["config"])
    try:
        stack.settings.write_text(yaml.safe_dump(document), encoding="utf-8")
        return stack.preview()
    finally:
        stack.settings.write_text(before, encoding="utf-8")
