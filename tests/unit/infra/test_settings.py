"""What stacks/Pulumi.<stack>.yaml may say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from infra.settings.location import LabLocationSettings
from infra.settings.stack import parse_settings

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config() -> dict[str, Any]:
    document = yaml.safe_load((PROJECT / "stacks/Pulumi.lokal.yaml").read_text(encoding="utf-8"))
    return {key.removeprefix("tegak:"): value for key, value in document["config"].items()}


def test_the_stack_lokal_has_two_locations_of_two_app_hosts(config: dict[str, Any]) -> None:
    settings = parse_settings(config, "lokal")
    assert [(place.name, place.app_hosts, place.delay_ms) for place in settings.of_kind(LabLocationSettings)] == [
        ("jakarta", 2, 12),
        ("surabaya", 2, 12),
    ]


def test_a_rollout_is_as_careful_as_the_stack_says_and_by_default_where_it_says_nothing(
    config: dict[str, Any],
) -> None:
    config["rollout"] = {"max_parallel": 3}
    assert parse_settings(config, "lokal").rollout == RolloutPolicy(max_parallel=3)


Spoil = Callable[[dict[str, Any]], object]


def stack(**changes: object) -> Spoil:
    return lambda config: config.update(changes)


def without(key: str) -> Spoil:
    return lambda config: config.pop(key)


def rollout(**changes: object) -> Spoil:
    return stack(rollout=changes)


def change(**changes: object) -> Spoil:
    return lambda config: config["locations"][1].update(changes)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (stack(regionn="x"), "unknown key tegak:regionn; allowed here: archive, aws, budget, certificate, locations"),
        (without("server_name"), "missing key tegak:server_name"),
        (stack(network="10.0.0.0/20"), "must be a /20 inside 198.18.0.0/15"),
        (change(hosts=2), "unknown key tegak:locations[1].hosts; allowed here: app_hosts, delay_ms"),
        (change(app_hosts=13), "tegak:locations[1].app_hosts is 13: Input should be less than or equal to 12"),
        (change(app_hosts=0), "tegak:locations[1].app_hosts is 0"),
        (change(app_hosts="2"), "tegak:locations[1].app_hosts is '2'"),
        (change(name="jakarta"), "the same location is there twice: jakarta"),
        (change(network=1), "the same network is there twice: 1"),
        (change(name="edge"), "'edge' is the edge's own name"),
        (change(name="a; reboot"), "tegak:locations[1].name is 'a; reboot'"),
        (change(kind="vm"), "tegak:locations[1].kind is 'vm': it is one of lab, hosts, aws"),
        (without("network"), "a location of kind lab needs tegak:network"),
        (
            rollout(paralel=2),
            "unknown key tegak:rollout.paralel; allowed here: capacity_floor_percent, certificate_days",
        ),
        (rollout(max_parallel="2"), "tegak:rollout.max_parallel is '2': Input should be a valid integer"),
        (rollout(max_parallel=0), "tegak:rollout.max_parallel is 0: Input should be greater than or equal to 1"),
        (rollout(capacity_floor_percent=101), "tegak:rollout.capacity_floor_percent is 101"),
        (rollout(keep_releases=1), "tegak:rollout.keep_releases is 1"),
        (stack(rollout="careful"), "tegak:rollout is 'careful'"),
        (stack(archive={"keep": 14}), "unknown key tegak:archive.keep; allowed here: keep_days"),
        (stack(archive={"keep_days": 0}), "tegak:archive.keep_days is 0"),
        (stack(archive={"keep_days": "14d"}), "tegak:archive.keep_days is '14d'"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_with_its_key(
    config: dict[str, Any], spoil: Spoil, sentence: str
) -> None:
    spoil(config)
    with pytest.raises(OperatorError) as caught:
        parse_settings(config, "lokal")
    assert sentence in str(caught.value)
    assert "\n" not in caught.value.message
