"""The Pulumi program under mocks: what it makes of its settings, in a second and without touching the machine."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from infra.bridge.inventory import parse_inventory
from infra.settings.stack import parse_settings
from infra.site import Site
from infra.workplace import Workplace
from tests.program.mocks import Made, Recorder, recording

CONFIG: dict[str, Any] = {
    "network": "198.18.32.0/20",
    "server_name": "hasil.uji.test",
    "operator_key_file": ".secrets/operator.pub",
    "locations": [
        {"name": "barat", "kind": "lab", "network": 1, "app_hosts": 3, "delay_ms": 12},
        {"name": "timur", "kind": "lab", "network": 7, "app_hosts": 1},
    ],
}


@dataclass
class LabRecorder(Recorder):
    """Answers as the lab's provider would."""

    def outputs(self, made: Made) -> dict[str, Any]:
        answers = {
            "Host": {"host_key": f"ssh-ed25519 {made.name}"},
            "Certificate": {"certificate": "PEM"},
            "Claim": {"ca_certificate": "CA"},
            "Image": {"path": "/image"},
        }
        return answers.get(made.type.rpartition(":")[2], {})


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Generator[LabRecorder, None, None]:
    with recording(LabRecorder(), monkeypatch) as recorder:
        yield recorder


def make(recorder: Recorder, config: dict[str, Any] | None = None, *, delays: bool = True) -> dict[str, Any]:
    """Run the program, and return its inventory."""
    seen: list[dict[str, Any]] = []

    @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType]
    def program() -> pulumi.Output[None]:
        site = Site(
            "uji",
            parse_settings(config or CONFIG, "uji"),
            Workplace(Path("/checkout"), "ssh-ed25519 op", "release@tegak key", delays),
        )
        return site.inventory().apply(lambda document: seen.append(cast("dict[str, Any]", document)))

    program()
    assert recorder.made
    return seen[0]


def test_every_location_has_a_load_balancer_and_as_many_app_hosts_as_it_says(recorder: Recorder) -> None:
    inventory = parse_inventory(make(recorder))
    assert [host.name for host in inventory.with_role("lb")] == ["barat-lb-1", "timur-lb-1"]
    assert [host.name for host in inventory.with_role("app")] == [
        "barat-app-1",
        "barat-app-2",
        "barat-app-3",
        "timur-app-1",
    ]
    assert [host.name for host in inventory.with_role("edge")] == ["edge-1"]
    assert len(recorder.of_type("Host")) == len(inventory.hosts)
    assert inventory.publication is None


def test_addresses_stay_inside_the_location_network_and_differ(recorder: Recorder) -> None:
    inventory = parse_inventory(make(recorder))
    addresses = [str(host.address) for host in inventory.hosts]
    assert len(set(addresses)) == len(addresses)
    assert all(str(host.address).startswith("198.18.33.") for host in inventory.hosts if host.location == "barat")
    assert all(str(host.address).startswith("198.18.39.") for host in inventory.hosts if host.location == "timur")


def test_each_location_is_a_component_and_so_is_the_edge(recorder: Recorder) -> None:
    make(recorder)
    assert {args.name for args in recorder.of_type("Location")} == {"barat", "timur"}
    assert [args.name for args in recorder.of_type("Edge")] == ["edge"]


def test_the_inventory_pins_each_hosts_own_key(recorder: Recorder) -> None:
    inventory = parse_inventory(make(recorder))
    assert all(host.host_keys == (f"ssh-ed25519 {host.name}",) for host in inventory.hosts)


def test_the_distance_is_the_bridges_and_only_where_the_kernel_can(recorder: Recorder) -> None:
    make(recorder)
    assert {args.name: args.inputs["delay_ms"] for args in recorder.of_type("Bridge")} == {
        "barat": 12,
        "timur": 0,
        "edge": 0,
    }
    recorder.made.clear()
    make(recorder, delays=False)
    assert {args.inputs["delay_ms"] for args in recorder.of_type("Bridge")} == {0}


def test_only_the_edge_gets_the_certificate(recorder: Recorder) -> None:
    make(recorder)
    assert [args.name for args in recorder.of_type("Host") if args.inputs.get("certificate")] == ["edge-1"]
    (certificate,) = recorder.of_type("Certificate")
    assert certificate.inputs["names"] == ["hasil.uji.test"]
    assert certificate.inputs["addresses"] == ["198.18.32.10"]


def test_no_private_key_is_in_what_the_engine_is_given(recorder: Recorder) -> None:
    make(recorder)
    assert not [args.name for args in recorder.made if "PRIVATE KEY" in repr(args.inputs)]
