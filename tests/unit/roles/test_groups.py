"""Hosts that come and go: looked up by region and tags, with the keys that they printed on their console."""

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation, Inventory
from roles.aws import clients
from roles.aws.clients import client
from roles.aws.members import find_members, read_console
from roles.hosts.groups import with_members
from tests.stands.cloud import REGION, TAGS, Cloud, InstanceGroup, cloud, make_group
from tests.unit.roles.fleets import inventory

pytestmark = pytest.mark.thorough


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"


@dataclass(frozen=True)
class Aws:
    """A group of two instances that have printed their keys, in a cloud."""

    cloud: Cloud
    group: InstanceGroup

    @property
    def location(self) -> GroupLocation:
        return self.group.location


@pytest.fixture
def aws() -> Generator[Aws, None, None]:
    with cloud() as seen:
        group = make_group(2)
        for instance in group.instances:
            seen.prints_keys(instance, f"{KEY} root@{instance}")
        yield Aws(seen, group)


def with_group(*locations: GroupLocation, hosts: bool = True) -> Inventory:
    known = inventory([1])
    document: dict[str, Any] = known.model_dump(by_alias=True)
    places = [*(known.locations if hosts else ()), *locations]
    return Inventory.model_validate({**document, "locations": places, "hosts": known.hosts if hosts else ()})


def test_members_are_hosts_named_after_their_instance_and_reached_through_session_manager(
    aws: Aws, tmp_path: Path
) -> None:
    found, missing = with_members(with_group(aws.location), tmp_path)
    members = found.with_role("app", "jakarta")
    assert missing == {}
    assert [host.name for host in members] == [f"jakarta-{instance}" for instance in aws.group.instances]
    assert [str(host.address) for host in members] == list(aws.group.instances)
    assert {host.host_keys for host in members} == {(KEY,)}
    assert {host.kind for host in members} == {"aws"}
    command = f"aws ssm start-session --region {REGION} --target {aws.group.instances[0]}"
    assert " ".join(members[0].ssh_proxy).startswith(command)
    assert [host.name for host in found.hosts[:3]] == ["barat-lb-1", "barat-app-1", "edge-1"]
    assert Inventory.model_validate_json(found.model_dump_json(by_alias=True)) == found


def test_where_the_cache_cannot_be_written_the_hosts_are_there_all_the_same(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()  # nothing can be below it
    found, missing = with_members(with_group(aws.location), tmp_path / "cache")
    assert missing == {}
    assert len(found.with_role("app", "jakarta")) == len(aws.group.instances)


def test_only_what_is_in_service_and_has_all_tags_is_a_member(aws: Aws, tmp_path: Path) -> None:
    first, second = aws.group.instances
    client("autoscaling", REGION).enter_standby(
        AutoScalingGroupName="uji", InstanceIds=[first], ShouldDecrementDesiredCapacity=True
    )
    members = find_members(aws.location, tmp_path / "keys.json")
    assert [str(host.address) for host in members.hosts] == [second]
    elsewhere = aws.location.model_copy(update={"tags": {**TAGS, "tegak:stack": "produksi"}})
    with pytest.raises(OperatorError, match="has no group with the tags tegak:stack=produksi, tegak:location=jakarta"):
        find_members(elsewhere, tmp_path / "keys.json")


def test_an_instance_that_has_printed_no_key_is_missing_and_no_other_key_is_believed(aws: Aws, tmp_path: Path) -> None:
    first, second = aws.group.instances
    aws.cloud.consoles[first] = f"sshd: {KEY} root@evil\n-----BEGIN SSH HOST KEY KEYS-----\n{KEY}\n"
    found, missing = with_members(with_group(aws.location), tmp_path)
    assert [str(host.address) for host in found.with_role("app", "jakarta")] == [second]
    assert "has printed no ssh host key on its console yet" in missing[f"jakarta-{first}"].message


def test_keys_that_are_known_are_not_read_again_and_those_of_ended_instances_are_forgotten(
    aws: Aws, tmp_path: Path
) -> None:
    file = tmp_path / "host-keys-jakarta.json"
    first, second = aws.group.instances
    file.write_text(json.dumps({first: [OTHER], "i-0123456789abcdef0": [KEY]}))
    aws.cloud.prints_keys(first, KEY)
    members = find_members(aws.location, file)
    assert {str(host.address): host.host_keys for host in members.hosts} == {first: (OTHER,), second: (KEY,)}
    assert json.loads(file.read_text()) == {first: [OTHER], second: [KEY]}
    aws.cloud.consoles.clear()
    assert find_members(aws.location, file).errors == {}


def test_the_last_whole_block_of_a_console_counts_and_the_kernels_lines_in_it_do_not() -> None:
    begin, end = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
    console = (
        f"{begin}\r\n{OTHER} old\r\n{end}\r\nreboot\r\n{begin}\r\n[ 3.1] eth0: up\r\n{KEY} new\r\n{end}\r\n{begin}\r\n"
    )
    assert read_console(console) == [KEY]
    assert read_console(f"{KEY} of nobody") == []


def test_a_region_that_does_not_answer_stops_nobody_elsewhere_and_is_said(aws: Aws, tmp_path: Path) -> None:
    away = aws.location.model_copy(update={"name": "singapura", "tags": {**TAGS, "tegak:location": "singapura"}})
    found, missing = with_members(with_group(aws.location, away), tmp_path)
    assert len(found.with_role("app", "jakarta")) == 2
    assert found.with_role("app", "singapura") == ()
    assert list(missing) == ["singapura"]
    with pytest.raises(OperatorError, match="has no group with the tags"):
        with_members(with_group(away, hosts=False), tmp_path)


def test_without_credentials_it_is_said_what_to_type(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    clients.forget()
    with pytest.raises(OperatorError) as caught:
        find_members(aws.location, tmp_path / "keys.json")
    assert "looking up the hosts of jakarta in ap-southeast-3: no AWS credentials are set here" in str(caught.value)
    assert caught.value.next_command == "aws sso login, or export AWS_PROFILE"


def test_an_aws_that_does_not_answer_is_one_sentence(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clients.forget()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(OperatorError, match="Could not connect to the endpoint URL") as caught:
        find_members(aws.location, tmp_path / "keys.json")
    assert "\n" not in caught.value.message
