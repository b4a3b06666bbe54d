"""A stack of all kinds: its settings, and how a test sees it."""

import json
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.bridge.inventory import Host, Inventory
from infra.bridge.origin import ORIGIN_HEADER, Origin, parse_origin
from tests.program.as_the_cdn import ByAddress
from tests.stands.cloud import REGION
from tests.stands.lab import NETWORK, LabStack

OWNED = {
    "lima-lb-1": ("kementerian-lb-1", "lb"),
    "lima-app-3": ("kementerian-app-1", "app"),
    "edge-1": ("kementerian-app-2", "app"),
}
SETTINGS = f"""config:
  aws:region: {REGION}
  tegak:network: {NETWORK}
  tegak:server_name: hasil.uji.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:rollout: {{soak_seconds: 0}}
  tegak:aws:
    zone: uji.test
    home_region: {REGION}
    replica_region: ap-southeast-1
    enabled_regions: [{REGION}]
    cost_centre: uji
    alarm_email: siaga@uji.test
    vcpu_quotas: {{{REGION}: 32}}
  tegak:night: {{start: "2029-01-20T12:00:00+07:00", end: "2029-01-20T16:00:00+07:00", viewers: 1000}}
  tegak:budget: {{night_usd: 9999, month_usd: 9999, rupiah_per_usd: 16500, rupiah_date: "2026-11-01"}}
  tegak:locations:
    - name: jakarta
      kind: aws
      region: {REGION}
      network: 10.20.0.0/16
      zones: 2
      instance_type: c7g.large
      hosts: {{usual: 2, night: 2, most: 4}}
    - {{name: gladi, kind: lab, network: 1, app_hosts: 1}}
    - name: kementerian
      kind: hosts
      machines:
"""
MACHINE = "        - {{name: {name}, role: {role}, address: {address}, host_keys: [{key}]}}\n"


@dataclass(frozen=True)
class MixedSite:
    """A stack of all kinds, up, deployed and published.

    Args:
        stack: The stack.
        inventory: What `pulumi up` left.
        origin: What load balancers and the CDN both know.
        members: The group's hosts, by the names that they have in the stack: where this machine reaches them.
        authority: The certificate authority that ACM stands for.
    """

    stack: LabStack
    inventory: Inventory
    origin: Origin
    members: Mapping[str, Host]
    authority: Path

    @property
    def app_hosts(self) -> dict[str, str]:
        """Where this machine reaches each app host."""
        known = {host.name: str(host.address) for host in self.inventory.with_role("app")}
        return known | {name: str(host.address) for name, host in self.members.items()}

    def releases(self) -> set[str]:
        """What the app hosts run, each asked by itself."""
        return {version_of(f"http://{address}/version") for address in self.app_hosts.values()}

    def connect(self) -> "ByAddress":
        """A connection to the load balancer that one owns, as the CDN makes it."""
        (place,) = (place for place in self.inventory.balanced if place.behind_cdn)
        context = ssl.create_default_context(cafile=str(self.authority))
        return ByAddress(self.origin.name, str(place.endpoint.address), place.endpoint.port, context)

    def ask_balancer(self, path: str, **headers: str) -> int:
        """What the load balancer that one owns answers."""
        link = self.connect()
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        answer.read()
        link.close()
        return answer.status

    def comes_to_answer(self, status: int) -> bool:
        """Whether it answers the secret so before long: a reload is not over when its command is."""
        for _ in range(50):
            if self.ask_balancer("/version", **{ORIGIN_HEADER: self.origin.secret}) == status:
                return True
            time.sleep(0.1)
        return False


def version_of(url: str) -> str:
    return str(json.loads(subprocess.check_output(["curl", "-sf", "--max-time", "5", url], text=True))["release"])


def settings_with(machines: Mapping[str, Host]) -> str:
    lines = (
        MACHINE.format(name=name, role=role, address=machines[made_as].address, key=machines[made_as].host_keys[0])
        for made_as, (name, role) in OWNED.items()
    )
    return SETTINGS + "".join(lines)


def read_origin_of(stack: LabStack) -> Origin:
    printed = stack.succeed("pulumi", "stack", "output", "origin", "--json", "--show-secrets", "-s", stack.name)
    return parse_origin(json.loads(printed))
