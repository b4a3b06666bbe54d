"""What stacks/Pulumi.<stack>.yaml may say of AWS, of machines that exist, of the night and of money."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.bridge.errors import OperatorError
from infra.settings.location import AwsLocationSettings, HostsLocationSettings
from infra.settings.stack import STRUCTURED_KEYS, parse_settings

PROJECT = Path(__file__).resolve().parents[3]
Spoil = Callable[[dict[str, Any]], object]


def read_config(stack: str) -> dict[str, Any]:
    """The configuration as the engine hands it over: structured values through JSON, times as Go spells them."""
    document = yaml.safe_load((PROJECT / f"stacks/Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    config = {
        key.removeprefix("tegak:"): value for key, value in document["config"].items() if key.startswith("tegak:")
    }
    return json.loads(json.dumps(config, default=lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S %z %z")))


@pytest.fixture
def config() -> dict[str, Any]:
    return read_config("produksi")


def test_production_is_two_regions_and_machines_that_exist(config: dict[str, Any]) -> None:
    settings = parse_settings(config, "produksi")
    assert [place.region for place in settings.of_kind(AwsLocationSettings)] == ["ap-southeast-3", "ap-southeast-1"]
    assert [machine.role for machine in settings.of_kind(HostsLocationSettings)[0].machines] == ["lb", "app", "app"]
    assert settings.regions == ("ap-southeast-3", "ap-southeast-1", "us-east-1")
    assert settings.night
    assert settings.night.hours == 12


def test_time_stamps_are_read_as_the_engine_prints_them(config: dict[str, Any]) -> None:
    plain = parse_settings(config, "produksi")
    config["night"].update(start="2029-02-14 12:00:00 +0700 +0700", end="2029-02-14 17:00:00 +0000 UTC")
    config["budget"].update(rupiah_date="2026-11-01 00:00:00 +0000 UTC")
    assert parse_settings(config, "produksi") == plain


def test_staging_has_the_shape_of_production() -> None:
    staging = parse_settings(read_config("staging"), "staging")
    production = parse_settings(read_config("produksi"), "produksi")
    places = [(place.name, place.region) for place in production.of_kind(AwsLocationSettings)]
    assert [(place.name, place.region) for place in staging.of_kind(AwsLocationSettings)] == places


def test_every_key_whose_value_has_structure_is_read_as_json() -> None:
    structured = {
        key
        for stack in ("lokal", "staging", "produksi")
        for key, value in read_config(stack).items()
        if not isinstance(value, str)
    }
    assert structured <= set(STRUCTURED_KEYS)


def place(index: int, **changes: object) -> Spoil:
    return lambda config: config["locations"][index].update(changes)


def aws(**changes: object) -> Spoil:
    return lambda config: config["aws"].update(changes)


def machine(**changes: object) -> Spoil:
    return lambda config: config["locations"][2]["machines"][1].update(changes)


def without(key: str) -> Spoil:
    return lambda config: config.pop(key)


def set_key(key: str, **changes: object) -> Spoil:
    return lambda config: config[key].update(changes)


def without_kind(config: dict[str, Any]) -> None:
    del config["locations"][0]["kind"]


HOSTS = {"usual": 3, "night": 8, "most": 16}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without("aws"), "a location of kind aws needs tegak:aws"),
        (without("budget"), "a location of kind aws needs tegak:budget"),
        (without_kind, "missing key tegak:locations[0].kind"),
        (place(0, kind="gcp"), "tegak:locations[0].kind is 'gcp': it is one of lab, hosts, aws"),
        (place(0, regoin="x"), "unknown key tegak:locations[0].regoin; allowed here: hosts, image, instance_type"),
        (place(0, region="ap-southeast-33"), "tegak:locations[0].region is 'ap-southeast-33'"),
        (place(0, region="ap-southeast-9"), "ap-southeast-9 is no region known here (ap-east-1, "),
        (place(0, zones=4), "tegak:locations[0].zones is 4"),
        (place(0, region="us-west-1"), "jakarta: us-west-1 has 2 zones, not 3"),
        (place(1, network="10.20.128.0/20"), "jakarta (10.20.0.0/16) and singapura (10.20.128.0/20) overlap"),
        (place(1, network="8.8.0.0/16"), "must be a /16 to /20 of private addresses"),
        (place(1, network="10.0.0.0/8"), "must be a /16 to /20 of private addresses"),
        (place(0, instance_type="c7i.large"), "tegak:locations[0].instance_type is 'c7i.large'"),
        (place(0, image="debian-12"), "tegak:locations[0].image is 'debian-12'"),
        (place(0, hosts={**HOSTS, "night": 2}), "usual, night and most must not go down in this order"),
        (place(0, hosts={**HOSTS, "max": 2}), "unknown key tegak:locations[0].hosts.max; allowed here: most, night"),
        (place(0, name="jakarta-selatan"), "tegak:locations[0].name is 'jakarta-selatan'"),
        (aws(enabled_regions=[]), "ap-southeast-3 (Jakarta) must be switched on in the account first"),
        (aws(replica_region="ap-southeast-3"), "replica_region must not be home_region"),
        (aws(zone="pemilu.test"), "hasil.contoh-pemilu.id is not in the zone pemilu.test: no certificate can name it"),
        (aws(vcpu_quotas={"ap-southeast-3": 96}), "singapura: tegak:aws.vcpu_quotas lacks ap-southeast-1"),
        (aws(alarm_email="siaga"), "tegak:aws.alarm_email is 'siaga'"),
        (machine(role="lb"), "a location needs one machine of role lb and at least one of role app"),
        (machine(host_keys=["AAAA"]), "'AAAA' is no public ssh key"),
        (machine(host_keys=[]), "tegak:locations[2].machines[1].host_keys is []"),
        (machine(address="kementerian"), "tegak:locations[2].machines[1].address is 'kementerian'"),
        (
            machine(port=22),
            "unknown key tegak:locations[2].machines[1].port; allowed here: accounts, address, host_keys",
        ),
        (set_key("night", end="2029-02-14T12:00:00+07:00"), "end must be after start"),
        (set_key("night", start="2029-02-14T12:00:00"), "start and end need an offset"),
        (set_key("budget", night_usd="5000"), "tegak:budget.night_usd is '5000'"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_with_its_key(
    config: dict[str, Any], spoil: Spoil, sentence: str
) -> None:
    spoil(config)
    with pytest.raises(OperatorError) as caught:
        parse_settings(config, "produksi")
    assert sentence in str(caught.value)
    assert "\n" not in caught.value.message


def test_all_overlaps_are_told_at_once(config: dict[str, Any]) -> None:
    third = {**config["locations"][0], "name": "ketiga"}
    config["locations"] = [*config["locations"], third]
    config["locations"][1]["network"] = "10.20.0.0/20"
    with pytest.raises(OperatorError) as caught:
        parse_settings(config, "produksi")
    assert all(
        f"{pair} overlap" in caught.value.message.replace(" (10.20.0.0/16)", "").replace(" (10.20.0.0/20)", "")
        for pair in ("jakarta and singapura", "jakarta and ketiga", "singapura and ketiga")
    )


def own_machines(config: dict[str, Any]) -> dict[str, Any]:
    return next(place for place in config["locations"] if place["kind"] == "hosts")


@pytest.mark.parametrize("address", ["10.0.0.10", "172.20.0.10", "192.168.1.10", "100.64.0.10", "169.254.1.1"])
def test_a_load_balancer_that_the_cdn_can_not_reach_is_refused_unless_it_is_said_where_it_does(
    config: dict[str, Any], address: str
) -> None:
    own = own_machines(config)
    own["machines"][0]["address"] = address
    with pytest.raises(OperatorError, match=f"no CDN reaches its load balancer at {address}, which is private"):
        parse_settings(config, "produksi")
    own["public_address"] = "198.51.100.10"
    (place,) = parse_settings(config, "produksi").of_kind(HostsLocationSettings)
    assert (str(place.origin_address), str(place.balancer.address)) == ("198.51.100.10", address)
