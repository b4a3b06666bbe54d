"""The account file: what it keeps, and what it does not show."""

from pathlib import Path
from typing import Any

import pytest

from tests.stands.recording.values import SecretValue, Value, hidden, read_struct, revealed, write_struct
from tests.stands.recording.world import Thing, World, changed_world, read_world


def thing(name: str, inputs: dict[str, Any], token: str = "aws:iam/role:Role") -> Thing:  # noqa: S107
    return Thing(token, name, name, "ap-southeast-3", 0, inputs, {"arn": f"arn:{name}"})


def test_values_go_to_the_engine_and_back_unchanged() -> None:
    values: dict[str, Value] = {"a": [1.0, True, None, {"b": SecretValue("x")}], "c": SecretValue({"d": ["e"]})}
    assert read_struct(write_struct(values)) == values


def test_a_secret_is_kept_as_a_fingerprint_and_given_back_only_to_who_knows_it() -> None:
    value: Value = {"header": [SecretValue("hunter2")], "name": "x"}
    kept = hidden(value)
    assert "hunter2" not in str(kept)
    assert revealed(kept, value) == value
    changed = revealed(kept, {"header": [SecretValue("other")], "name": "x"})
    assert changed not in (value, {"header": [SecretValue("other")], "name": "x"})


def test_what_is_written_is_read_by_the_next_run_and_an_error_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with changed_world(file) as world:
        world.add(thing("a", {}))
    with pytest.raises(TypeError), changed_world(file) as world:
        world.add(thing("b", {"not JSON": object()}))
    assert [each.id for each in read_world(file).things] == ["a"]
    assert read_world(file).made == 1


def test_what_is_named_by_another_is_still_used() -> None:
    role, other = thing("host", {}), thing("other", {})
    by_id = thing("profile", {"roles": [{"name": "host"}]})
    by_arn = thing("topic", {"nested": {"list": ["arn:host"]}})
    world = World([role, other, by_id, by_arn], 4)
    assert world.users_of(role) == [by_id, by_arn]
    assert world.users_of(other) == []


def test_a_name_that_the_program_gave_is_no_use_of_a_thing() -> None:
    named = Thing("aws:autoscaling/group:Group", "hosts", "hosts", "ap-southeast-3", 0, {"name": "hosts"}, {})
    other = thing("role", {"customSuffix": "hosts"})
    assert World([named, other], 2).users_of(named) == []


def test_things_of_one_name_in_two_regions_are_two_things() -> None:
    token = "aws:kms/alias:Alias"  # noqa: S105  # a type's name
    here, there = (Thing(token, "alias/a", "a", region, 0, {"name": "alias/a"}, {}) for region in ("here", "there"))
    world = World([here], 1)
    assert not world.clashes_with(there, "name")
    world.add(there)
    assert world.find(token, "alias/a", "there") is there
    assert world.find(token, "alias/a", "here") is here


def test_a_second_thing_of_the_same_name_in_the_same_place_is_a_clash() -> None:
    token = "aws:ec2/securityGroup:SecurityGroup"  # noqa: S105  # a type's name
    first = Thing(token, "sg-1", "a", "ap-southeast-3", 0, {"name": "lb", "vpcId": "vpc-1"}, {})
    world = World([first], 1)

    def second(region: str = "ap-southeast-3", **inputs: str) -> Thing:
        return Thing(token, "sg-2", "b", region, 1, {**first.inputs, **inputs}, {})

    assert world.clashes_with(second(), "name")
    assert not world.clashes_with(second(name="other"), "name")
    assert not world.clashes_with(second(vpcId="vpc-2"), "name")
    assert not world.clashes_with(second("ap-southeast-1"), "name")
    assert not world.clashes_with(second(), None)
    assert world.clashes_with(first, None)
