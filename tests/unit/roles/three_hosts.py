"""A small inventory: two app hosts in one location, one in another."""

from ipaddress import IPv4Address

from infra.bridge.inventory import Inventory, parse_inventory

HOSTS = ("barat-app-1", "barat-app-2", "timur-app-1")


def inventory() -> Inventory:
    locations = ("barat", "timur")
    return parse_inventory(
        {
            "schema": 1,
            "operator_key": {"file": ".secrets/operator.pub", "public": "ssh-ed25519 AAAA"},
            "stack": "uji",
            "locations": [
                {"name": name, "kind": "lab", "endpoint": {"address": "198.18.0.10", "port": 80}} for name in locations
            ],
            "edge": {"server_name": "hasil.uji.test", "url": "https://198.18.0.10"},
            "hosts": [
                {
                    "name": name,
                    "location": name.split("-")[0],
                    "kind": "lab",
                    "roles": ["base", "app"],
                    "address": str(IPv4Address("198.18.1.21") + number),
                    "ssh_user": "deploy",
                    "host_keys": ["ssh-ed25519 AAAA"],
                }
                for number, name in enumerate(HOSTS)
            ],
        }
    )
