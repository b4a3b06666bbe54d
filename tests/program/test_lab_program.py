"""What the program makes of a lab's settings, in a second and without touching the machine."""

from pathlib import Path
from typing import Any

import pytest

from infra.bridge.inventory import Inventory, parse_inventory
from infra.settings.stack import parse_settings
from infra.site import Site
from infra.workplace import Workplace
from tests.stands.graph import Graph
from tests.stands.rehearsal import Dynamic, rehearse

CONFIG: dict[str, Any] = {
    "network": "198.18.32.0/20",
    "server_name": "hasil.uji.test",
    "operator_key_file": ".secrets/operator.pub",
    "locations": [
        {"name": "barat", "kind": "lab", "network": 1, "app_hosts": 3, "delay_ms": 12},
        {"name": "timur", "kind": "lab", "network": 7, "app_hosts": 1},
    ],
}


LAB: Dynamic = {
    "Host": lambda name: {"host_key": f"ssh-ed25519 {name}"},
    "Certificate": lambda _: {"certificate": "PEM"},
    "Claim": lambda _: {"ca_certificate": "CA"},
    "Image": lambda _: {"path": "/image"},
}
"""What the lab's providers would answer."""


def rehearse_lab(*, delays: bool = True) -> Graph:
    workplace = Workplace(Path("/checkout"), "ssh-ed25519 op", "release@tegak key", delays)
    return rehearse(lambda: {"inventory": Site("uji", parse_settings(CONFIG, "uji"), workplace).inventory()}, LAB)


@pytest.fixture(scope="module")
def lab() -> Graph:
    return rehearse_lab()


@pytest.fixture(scope="module")
def inventory(lab: Graph) -> Inventory:
    return parse_inventory(lab.outputs["inventory"])


def test_every_location_has_a_load_balancer_and_as_many_app_hosts_as_it_says(lab: Graph, inventory: Inventory) -> None:
    assert [host.name for host in inventory.with_role("lb")] == ["barat-lb-1", "timur-lb-1"]
    assert [host.name for host in inventory.with_role("app")] == [
        "barat-app-1",
        "barat-app-2",
        "barat-app-3",
        "timur-app-1",
    ]
    assert [host.name for host in inventory.with_role("edge")] == ["edge-1"]
    assert len(lab.of_type("Host")) == len(inventory.hosts)
    assert inventory.publication is None


def test_addresses_stay_inside_the_location_network_and_differ(inventory: Inventory) -> None:
    addresses = [str(host.address) for host in inventory.hosts]
    assert len(set(addresses)) == len(addresses)
    assert all(str(host.address).startswith("198.18.33.") for host in inventory.hosts if host.location == "barat")
    assert all(str(host.address).startswith("198.18.39.") for host in inventory.hosts if host.location == "timur")


def test_each_location_is_a_component_and_so_is_the_edge(lab: Graph) -> None:
    assert {made.name for made in lab.of_type("Location")} == {"barat", "timur"}
    assert [made.name for made in lab.of_type("Edge")] == ["edge"]


def test_the_inventory_pins_each_hosts_own_key(inventory: Inventory) -> None:
    assert all(host.host_keys == (f"ssh-ed25519 {host.name}",) for host in inventory.hosts)


def test_the_distance_is_the_bridges_and_only_where_the_kernel_can(lab: Graph) -> None:
    assert {made.name: made.inputs["delay_ms"] for made in lab.of_type("Bridge")} == {
        "barat": 12,
        "timur": 0,
        "edge": 0,
    }
    assert {made.inputs["delay_ms"] for made in rehearse_lab(delays=False).of_type("Bridge")} == {0}


def test_only_the_edge_gets_the_certificate(lab: Graph) -> None:
    assert [made.name for made in lab.of_type("Host") if made.inputs.get("certificate")] == ["edge-1"]
    (certificate,) = lab.of_type("Certificate")
    assert certificate.inputs["names"] == ["hasil.uji.test"]
    assert certificate.inputs["addresses"] == ["198.18.32.10"]


def test_no_private_key_is_in_what_the_engine_is_given(lab: Graph) -> None:
    assert not [made.name for made in lab.resources if "PRIVATE KEY" in repr(made.inputs)]
