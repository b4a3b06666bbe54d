"""The bridge from provisioning to the rest."""

import copy
from typing import Any

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import ArchivePolicy, RolloutPolicy, parse_inventory

HOST = {
    "name": "jakarta-app-1",
    "location": "jakarta",
    "kind": "lab",
    "roles": ["base", "app"],
    "address": "198.18.1.21",
    "ssh_port": 22,
    "ssh_user": "deploy",
    "host_keys": ["ssh-ed25519 AAAA"],
    "ssh_proxy": [],
    "accounts": [],
}
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "stack": "lokal",
    "locations": [
        {
            "name": "jakarta",
            "kind": "lab",
            "endpoint": {"address": "198.18.1.10", "port": 80},
            "behind_cdn": False,
        }
    ],
    "edge": {
        "server_name": "hasil.lokal.test",
        "url": "https://198.18.0.10",
        "address": "198.18.0.10",
        "certificate": None,
    },
    "rollout": RolloutPolicy().model_dump(),
    "archive": ArchivePolicy().model_dump(),
    "publication": None,
    "operator_key": {"file": ".secrets/operator.pub", "public": "ssh-ed25519 AAAA"},
    "hosts": [HOST, {**HOST, "name": "jakarta-lb-1", "roles": ["base", "lb"], "address": "198.18.1.10"}],
}


def test_a_document_survives_the_way_there_and_back() -> None:
    assert parse_inventory(DOCUMENT).model_dump(mode="json", by_alias=True) == DOCUMENT


def test_hosts_are_found_by_role_and_location() -> None:
    inventory = parse_inventory(DOCUMENT)
    assert [host.name for host in inventory.with_role("app", "jakarta")] == ["jakarta-app-1"]
    assert inventory.with_role("app", "surabaya") == ()


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("schema",), 2, "schema"),
        (("hosts", 0, "host_keys"), [], "hosts.0.host_keys"),
        (("operator_key", "file"), ".secrets/operator", "operator_key.file"),
        (("hosts", 0, "password"), "x", "hosts.0.password"),
        (("hosts", 1, "name"), "jakarta-app-1", "host names must be unique"),
        (("hosts", 0, "address"), "jakarta; reboot", "hosts.0.address"),
        (("hosts", 0, "address"), "i-0123; reboot", "hosts.0.address"),
        (("locations", 0, "kind"), "aws", "locations.0.aws.region"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_with_its_place(
    path: tuple[str | int, ...], value: object, sentence: str
) -> None:
    document = copy.deepcopy(DOCUMENT)
    target: Any = document
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    with pytest.raises(OperatorError, match="inventory") as caught:
        parse_inventory(document)
    assert sentence in str(caught.value)
