"""Names that the recording provider chooses, as pulumi-aws does."""

import re

from tests.stands.recording.naming import DEFAULTS, with_name
from tests.stands.recording.sdk import resource_type
from tests.stands.recording.values import Properties

ROLE = resource_type("aws:iam/role:Role")
BUCKET = resource_type("aws:s3/bucket:Bucket")


def test_a_name_that_nobody_gave_is_the_logical_one_and_seven_digits() -> None:
    inputs = with_name(ROLE, "host", {}, {}, b"seed")
    assert re.fullmatch(r"host-[0-9a-f]{7}", str(inputs["name"]))
    assert inputs[DEFAULTS] == ["name"]


def test_a_bucket_is_named_in_lower_case() -> None:
    assert re.fullmatch(r"snapshots-[0-9a-f]{7}", str(with_name(BUCKET, "Snapshots", {}, {}, b"")["bucket"]))


def test_an_alias_of_a_key_begins_as_aws_demands() -> None:
    assert str(with_name(resource_type("aws:kms/alias:Alias"), "key", {}, {}, b"")["name"]).startswith("alias/key-")


def test_a_name_that_was_given_is_kept() -> None:
    assert with_name(ROLE, "host", {"name": "mine"}, {}, b"")["name"] == "mine"
    assert "name" not in with_name(ROLE, "host", {"namePrefix": "mine-"}, {}, b"")


def test_what_has_no_name_gets_none() -> None:
    assert with_name(resource_type("aws:ec2/vpc:Vpc"), "net", {}, {}, b"") == {DEFAULTS: []}
    record: Properties = {"name": "a", "type": "A", "zoneId": "Z"}
    assert with_name(resource_type("aws:route53/record:Record"), "a", record, {}, b"") == {**record, DEFAULTS: []}


def test_a_chosen_name_stays_while_the_thing_lives_and_is_another_for_its_replacement() -> None:
    first = with_name(ROLE, "host", {}, {}, b"one")
    assert with_name(ROLE, "host", {}, first, b"two")["name"] == first["name"]
    assert with_name(ROLE, "host", {}, {}, b"two")["name"] != first["name"]


def test_a_name_that_is_no_longer_given_is_chosen_anew() -> None:
    given = with_name(ROLE, "host", {"name": "mine"}, {}, b"")
    assert with_name(ROLE, "host", {}, given, b"")["name"] != "mine"
