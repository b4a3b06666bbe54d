"""What stacks/Pulumi.<stack>.yaml may say of machines one owns, and of their edge's certificate."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.bridge.errors import OperatorError
from infra.settings.stack import parse_settings

KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/ root@app",
)
LAB = {"name": "uji", "kind": "lab", "network": 1, "app_hosts": 2}


def machine(name: str, role: str, address: str) -> dict[str, Any]:
    return {"name": name, "role": role, "address": address, "host_keys": list(KEYS)}


CONFIG: dict[str, Any] = {
    "server_name": "hasil.uji.test",
    "operator_key_file": ".secrets/operator.pub",
    "certificate": {"certificate_file": ".secrets/edge.crt", "key_file": ".secrets/edge.key"},
    "locations": [
        {
            "name": "kementerian",
            "kind": "hosts",
            "machines": [
                machine("tepi", "edge", "198.51.100.5"),
                machine("bagi", "lb", "198.51.100.10"),
                machine("satu", "app", "198.51.100.21"),
            ],
        }
    ],
}
Spoil = Callable[[dict[str, Any]], object]


def with_lab(config: dict[str, Any]) -> None:
    config["locations"].append(LAB)
    config["network"] = "198.18.32.0/20"


def without_edge(config: dict[str, Any]) -> None:
    del config["locations"][0]["machines"][0]


def all_of(*spoils: Spoil) -> Spoil:
    return lambda config: [spoil(config) for spoil in spoils]


def without_certificate(config: dict[str, Any]) -> None:
    del config["certificate"]


def change(index: int, **changes: object) -> Spoil:
    return lambda config: config["locations"][0]["machines"][index].update(changes)


def unknown_key(config: dict[str, Any]) -> None:
    config["certificate"]["key"] = "x"


def public_address(config: dict[str, Any]) -> None:
    config["locations"][0]["public_address"] = "198.51.100.10"


def second_location(config: dict[str, Any]) -> None:
    config["locations"].append(
        {
            "name": "daerah",
            "kind": "hosts",
            "machines": [
                machine("tepi-2", "edge", "198.51.100.6"),
                machine("bagi-2", "lb", "198.51.100.11"),
                machine("dua", "app", "198.51.100.22"),
            ],
        }
    )


def test_a_keys_comment_is_no_part_of_it() -> None:
    settings = parse_settings(CONFIG, "milik")
    assert settings.own_edge
    assert settings.own_edge.host_keys == (KEYS[0], KEYS[1].removesuffix(" root@app"))


def test_a_stack_with_a_lab_has_the_labs_edge() -> None:
    config = copy.deepcopy(CONFIG)
    all_of(with_lab, without_edge, without_certificate)(config)
    assert parse_settings(config, "milik").own_edge is None


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_edge, "needs one machine of role edge in one of its locations, not 0"),
        (second_location, "needs one machine of role edge in one of its locations, not 2"),
        (with_lab, "a stack with a location of kind lab has its edge there: tepi can't be another"),
        (all_of(with_lab, without_edge), "tegak:certificate is for an edge on a machine of one's own"),
        (without_certificate, "an edge on a machine of one's own needs tegak:certificate"),
        (public_address, "kementerian: public_address is where a CDN reaches it, and this stack has none"),
        (change(2, name="bagi"), "the same host is there twice: bagi"),
        (change(2, name="kementerian"), "the same name is there twice: kementerian"),
        (change(2, address="198.51.100.10"), "the same address is there twice: 198.51.100.10:22"),
        (
            all_of(with_lab, without_edge, without_certificate, change(0, name="uji-app-2")),
            "the same host is there twice: uji-app-2",
        ),
        (
            all_of(with_lab, without_edge, without_certificate, change(1, name="edge-1")),
            "the same host is there twice: edge-1",
        ),
        (change(0, host_keys=[KEYS[0][:-8]]), "is no public ssh key (ssh-keyscan ADDRESS prints them)"),
        (change(0, host_keys=[f"{KEYS[0]}\n{KEYS[0]}"]), "is no public ssh key"),
        (change(0, host_keys=["ssh-rsa " + KEYS[0].split()[1]]), "'ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgME' is no"),
        (
            unknown_key,
            "unknown key tegak:certificate.key; allowed here: authority_file, certificate_file, key_file",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_with_its_key(spoil: Spoil, sentence: str) -> None:
    config = copy.deepcopy(CONFIG)
    spoil(config)
    with pytest.raises(OperatorError) as caught:
        parse_settings(config, "milik")
    assert sentence in str(caught.value)
    assert "\n" not in caught.value.message
