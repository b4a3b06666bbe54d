"""A site with two locations on AWS and one of machines that one owns: what the program asks for, run in a test."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from infra.aws.site import AwsSite
from infra.settings.stack import StackSettings, parse_settings
from tests.stands.graph import Graph
from tests.stands.rehearsal import rehearse

SIGNERS = 'release@tegak namespaces="tegak-release,tegak-snapshot,tegak-start" ssh-ed25519 BBBB'
HOME, OTHER, GLOBAL = "ap-southeast-3", "ap-southeast-1", "us-east-1"
REGIONS = (HOME, OTHER, GLOBAL)
BEFORE = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)
NIGHT = dt.datetime(2029, 2, 14, 10, tzinfo=dt.UTC)
AFTER = dt.datetime(2029, 2, 15, tzinfo=dt.UTC)
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
OWNED_ADDRESS = "198.51.100.10"

CONFIG: dict[str, Any] = {
    "server_name": "hasil.uji.test",
    "operator_key_file": ".secrets/operator.pub",
    "locations": [
        {
            "name": "jakarta",
            "kind": "aws",
            "region": HOME,
            "network": "10.20.0.0/16",
            "instance_type": "c7g.xlarge",
            "hosts": {"usual": 3, "night": 8, "most": 16, "warm": 4, "requests_per_second": 900},
            "reserved_units": 500,
        },
        {
            "name": "singapura",
            "kind": "aws",
            "region": OTHER,
            "network": "10.30.0.0/20",
            "zones": 2,
            "instance_type": "c7g.large",
            "image": "ami-0123456789abcdef0",
            "hosts": {"usual": 2, "night": 2, "most": 4},
        },
        {
            "name": "kementerian",
            "kind": "hosts",
            "public_address": OWNED_ADDRESS,
            "machines": [
                {"name": "pembagi", "role": "lb", "address": "10.40.0.1", "host_keys": [HOST_KEY]},
                {"name": "satu", "role": "app", "address": "10.40.0.2", "host_keys": [HOST_KEY]},
            ],
        },
    ],
    "aws": {
        "zone": "uji.test",
        "home_region": HOME,
        "replica_region": OTHER,
        "enabled_regions": [HOME],
        "cost_centre": "pemilu",
        "alarm_email": "siaga@uji.test",
        "dnssec": True,
        "vcpu_quotas": {HOME: 96, OTHER: 96},
    },
    "night": {"start": "2029-02-14T12:00:00+07:00", "end": "2029-02-15T00:00:00+07:00"},
    "budget": {"night_usd": 500, "month_usd": 900, "rupiah_per_usd": 16500, "rupiah_date": "2026-11-01"},
}


LONGEST_NAME = "abcdefghijkl"
HOSTILE_KEY = 'ssh-ed25519 AAAA it\'s $(touch made) `touch made` \\ "op"'


def changed(
    first: Mapping[str, object] | None = None,
    aws: Mapping[str, object] | None = None,
    *,
    owned: bool = True,
) -> StackSettings:
    """The settings, changed.

    Args:
        first: What is different of the first location.
        aws: What is different of the account.
        owned: Whether there are machines that one owns.
    """
    kept = CONFIG["locations"][1:] if owned else CONFIG["locations"][1:-1]
    locations = [CONFIG["locations"][0] | (first or {}), *kept]
    return parse_settings({**CONFIG, "locations": locations, "aws": CONFIG["aws"] | (aws or {})}, "uji")


def rehearse_site(
    settings: StackSettings | None = None,
    *,
    stack: str = "uji",
    now: dt.datetime = BEFORE,
    operator_key: str = "ssh-ed25519 AAAA op",
) -> Graph:
    """What the program asks for.

    Args:
        settings: Other settings.
        stack: The stack's name.
        now: When it runs.
        operator_key: The public ssh key of those who deploy.
    """

    def program() -> dict[str, Any]:
        site = AwsSite(stack, settings or changed(), operator_key, SIGNERS, now)
        return {
            "url": site.edge.url,
            "edge": site.edge.entry,
            "locations": {location.origin.location: location.entry for location in site.locations},
            "publication": site.publication,
            "name_servers": site.name_servers,
            "ds_record": site.ds_record,
            "origin": site.origin,
        }

    return rehearse(program)
