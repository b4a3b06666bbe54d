"""Hosts in a target group: out, back, and what is waited for."""

import functools
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation, Inventory
from roles.aws import targets
from roles.aws.clients import client
from roles.aws.targets import deregister, read_states, register, wait_until_drained, wait_until_healthy
from roles.hosts.groups import with_members
from roles.hosts.pool import read_group_pool
from tests.stands.cloud import REGION, InstanceGroup, cloud, make_group
from tests.unit.roles.fleets import inventory

pytestmark = pytest.mark.thorough


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@pytest.fixture
def group() -> Generator[InstanceGroup, None, None]:
    with cloud() as seen:
        made = make_group(2)
        for instance in made.instances:
            seen.prints_keys(instance, KEY)
        yield made


def says(states: Iterator[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The load balancer says one after another."""

    def health(_location: GroupLocation, _instance: str) -> str:
        return next(states)

    monkeypatch.setattr(targets, "_health", health)
    monkeypatch.setattr(targets, "EVERY_SECONDS", 0.01)


def test_a_host_goes_out_of_its_target_group_and_comes_back_and_doing_it_twice_is_harmless(
    group: InstanceGroup,
) -> None:
    first, second = group.instances
    assert read_states(group.location) == {first: "up", second: "up"}
    deregister(group.location, first)
    deregister(group.location, first)
    wait_until_drained(group.location, first)
    assert read_states(group.location) == {second: "up"}
    register(group.location, first)
    register(group.location, first)
    wait_until_healthy(group.location, first)
    assert read_states(group.location) == {first: "up", second: "up"}


def test_the_pool_says_of_each_host_what_its_target_group_does_and_of_none_else(
    group: InstanceGroup, tmp_path: Path
) -> None:
    bare = inventory([1])
    stack = Inventory.model_validate({**bare.model_dump(by_alias=True), "locations": [*bare.locations, group.location]})
    found, _ = with_members(stack, tmp_path)
    first, second = (host.name for host in found.with_role("app", "jakarta"))
    client("elbv2", REGION).deregister_targets(
        TargetGroupArn=group.location.target_group_arn, Targets=[{"Id": group.instances[1]}]
    )
    assert read_group_pool(found, "jakarta") == {first: "up", second: "drained"}


def test_draining_is_waited_for_as_long_as_the_target_group_takes_and_not_for_ever(
    group: InstanceGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = group.instances[0]
    says(iter(["draining", "draining", "unused"]), monkeypatch)
    wait_until_drained(group.location, first)
    client("elbv2", REGION).modify_target_group_attributes(
        TargetGroupArn=group.location.target_group_arn,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}],
    )
    monkeypatch.setattr(targets, "MARGIN_SECONDS", 0)
    says(iter(["draining", "draining"]), monkeypatch)
    with pytest.raises(OperatorError, match="its target group says draining after 0 s, not unused"):
        wait_until_drained(group.location, first)


def test_a_host_that_stays_unhealthy_is_said(group: InstanceGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = functools.partial(next, iter(range(0, 10_000, 50)))
    monkeypatch.setattr(targets.time, "monotonic", clock)
    says(iter(lambda: "unhealthy", ""), monkeypatch)
    with pytest.raises(OperatorError, match=r"its target group says unhealthy after \d+ s, not healthy") as caught:
        wait_until_healthy(group.location, group.instances[0])
    assert f"--targets Id={group.instances[0]}" in str(caught.value.next_command)


def test_a_target_group_that_is_gone_is_one_sentence(group: InstanceGroup) -> None:
    client("elbv2", REGION).delete_target_group(TargetGroupArn=group.location.target_group_arn)
    with pytest.raises(OperatorError, match=f"reading the targets of jakarta in {REGION}: TargetGroupNotFound"):
        read_states(group.location)
