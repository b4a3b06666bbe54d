"""One stack of all kinds: a group in AWS, machines that one owns behind the same CDN, and a lab for rehearsals.

`pulumi up` runs over a recorded account; the tasks find lab hosts as the group's instances, and moto as AWS.
"""

import datetime as dt
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.inventory import GroupLocation, Host, Inventory
from infra.lab import pki
from infra.origin import ORIGIN_HEADER, Origin, parse_origin
from roles.scripts.quoting import script
from tests.aws import REGION, cloud, make_group
from tests.deploy.sources import release_of, replaced
from tests.lab import SMALL, LabStack, lab_stack
from tests.program.as_the_cdn import ByAddress, asking
from tests.program.instances import boot_as_instances, first_process, stand_in_for_session_manager
from tests.program.recorded import PROVIDER
from tests.program.recording.world import WORLD_VARIABLE

MACHINES = """config:
  tegak:network: 198.18.176.0/20
  tegak:server_name: hasil.uji.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:locations:
    - {name: lima, kind: lab, network: 1, app_hosts: 3}
"""
INSTANCES = ("lima-app-1", "lima-app-2")
OWNED = {
    "lima-lb-1": ("kementerian-lb-1", "lb"),
    "lima-app-3": ("kementerian-app-1", "app"),
    "edge-1": ("kementerian-app-2", "app"),
}
HAPROXY = "templates/lb/etc/haproxy/haproxy.cfg.j2"
SETTINGS = f"""config:
  aws:region: {REGION}
  tegak:network: 198.18.160.0/20
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
class Site:
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


@pytest.fixture(scope="module")
def five() -> Generator[LabStack, None, None]:
    """A stack whose five hosts are machines for the other one: no role was ever applied to any."""
    with lab_stack("mesin-lima", MACHINES) as stack:
        stack.succeed("pulumi", "stack", "init", stack.name)
        stack.pulumi_up()
        yield stack


@pytest.fixture(scope="module")
def site(five: LabStack) -> Generator[Site, None, None]:
    machines = {host.name: host for host in five.inventory().hosts}
    instances = [machines[name] for name in INSTANCES]
    boot_as_instances(five, instances)
    with cloud() as aws, lab_stack("mesin-aneka", settings_with(machines)) as stack:
        stack.environment.update(aws.environment)
        stack.environment[WORLD_VARIABLE] = str(stack.directory / "world.json")
        stack.environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        stack.environment["PATH"] = f"{PROVIDER}:{stack.environment['PATH']}"
        (stack.directory / "world.json").unlink(missing_ok=True)
        connected = stand_in_for_session_manager(stack)
        stack.succeed("pulumi", "stack", "init", stack.name)
        stack.pulumi_up()

        inventory = stack.inventory()
        (place,) = (place for place in inventory.locations if isinstance(place, GroupLocation))
        group = make_group(len(instances), place.tags, place.target_group_arn)
        processes = {
            instance: first_process(five, machine) for instance, machine in zip(group.instances, instances, strict=True)
        }
        connected.write_text(json.dumps(processes))
        for instance, process in processes.items():
            aws.consoles[instance] = Path(f"/proc/{process}/root/dev/console").read_text(encoding="utf-8")
        origin = read_origin_of(stack)
        authority = pki.make_authority(stack.directory, "uji")
        pair = pki.issue_server_certificate(
            authority, stack.directory, ["*.asal.uji.test"], [], now=dt.datetime.now(dt.UTC)
        )
        aws.has_certificate(
            origin.certificate_arn,
            pair.certificate_pem.encode(),
            pair.key_file.read_bytes(),
            authority.certificate_pem.encode(),
        )
        members = {f"jakarta-{name}": host for name, host in zip(group.instances, instances, strict=True)}
        made = Site(stack, inventory, origin, members, stack.directory / "ca.crt")
        without_certificate = stack.fab_fails("deploy", "--release", build(stack, "4.0.0"))
        assert "kementerian-lb-1: it has no certificate yet (fab certificate brings it)" in without_certificate
        stack.fab("certificate")
        stack.fab("deploy", "--release", build(stack, "4.0.0"))
        stack.fab("publish", "--source", SMALL)
        yield made


def settings_with(machines: Mapping[str, Host]) -> str:
    lines = (
        MACHINE.format(name=name, role=role, address=machines[made_as].address, key=machines[made_as].host_keys[0])
        for made_as, (name, role) in OWNED.items()
    )
    return SETTINGS + "".join(lines)


def read_origin_of(stack: LabStack) -> Origin:
    printed = stack.succeed("pulumi", "stack", "output", "origin", "--json", "--show-secrets", "-s", stack.name)
    return parse_origin(json.loads(printed))


def build(stack: LabStack, version: str) -> str:
    """A release of this checkout under another version."""
    return stack.succeed("fab", "build", "--version", version).split()[-1]


def test_one_inventory_has_locations_of_every_kind(site: Site) -> None:
    assert {place.name: place.kind for place in site.inventory.locations} == {
        "jakarta": "aws",
        "gladi": "lab",
        "kementerian": "hosts",
    }
    assert [place.name for place in site.inventory.balanced if place.behind_cdn] == ["kementerian"]
    assert [host.name for host in site.inventory.cdn_balancers] == ["kementerian-lb-1"]
    assert site.inventory.with_role("edge") == ()
    assert "unchanged" in site.stack.pulumi_up()


def test_one_rollout_and_one_suite_go_over_the_hosts_of_every_kind_and_the_cdn_sees_no_failure(
    site: Site, tmp_path: Path
) -> None:
    before = site.releases()
    assert len(before) == 1
    longer = replaced(HAPROXY, "timeout http-keep-alive 60s", "timeout http-keep-alive 61s")
    release = release_of(tmp_path, "4.0.1", longer).name
    with asking(site.connect, "/version", {ORIGIN_HEADER: site.origin.secret}) as answers:
        printed = site.stack.fab("deploy", "--release", release)
        assert site.releases() == {release}
        site.stack.fab("rollback")
    assert site.releases() == before
    assert set(answers) == {"200"}
    assert len(answers) > 100
    for name in site.app_hosts:
        assert f"drain {name}" in printed
    site.stack.fab("verify")
    assert "no drift" in site.stack.fab("drift")


def test_status_shows_every_host_and_only_the_cdn_which_is_not_there_is_missed(site: Site) -> None:
    printed = site.stack.fab_fails("status")
    for name in (*site.app_hosts, "kementerian-lb-1", "gladi-lb-1"):
        assert name in printed
    assert "are not healthy: the site itself" in printed


def test_a_load_balancer_that_one_owns_answers_the_cdn_and_nobody_else(site: Site) -> None:
    secret = {ORIGIN_HEADER: site.origin.secret}
    assert site.ask_balancer("/ppwp/hitung-suara", **secret) == 200
    assert site.ask_balancer("/ppwp/hitung-suara") == 403
    assert site.ask_balancer("/ppwp/hitung-suara", **{ORIGIN_HEADER: site.origin.secret[:-1]}) == 403
    assert site.ask_balancer("/ppwp/hitung-suara", **{ORIGIN_HEADER: f"{site.origin.secret},x"}) == 403
    assert site.ask_balancer("/healthz") == 200
    (place,) = (place for place in site.inventory.balanced if place.behind_cdn)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(place.endpoint.address), 80), 5)


def test_another_secret_on_the_host_is_drift_and_configure_brings_the_right_one_back(
    five: LabStack, site: Site
) -> None:
    fleet = five.fleet()
    balancer = next(host for host in fleet.inventory.hosts if host.name == "lima-lb-1")
    spoil = script("echo another > /etc/tegak/origin/secret", "systemctl reload haproxy")
    fleet[balancer].run("test", spoil)
    fleet.close()
    assert site.comes_to_answer(403)
    assert "kementerian-lb-1: /etc/tegak/origin/secret is not what" in site.stack.fab_fails("drift")
    planned = site.stack.fab("configure", "--dry-run")
    assert "tar of /etc/tegak/origin/secret" in planned
    assert site.origin.secret not in planned
    site.stack.fab("configure")
    assert site.comes_to_answer(200)
    assert "no drift" in site.stack.fab("drift")


def test_a_certificate_is_brought_once_and_logged_without_its_name(site: Site) -> None:
    assert "every host has it already" in site.stack.fab("certificate")
    logged = site.stack.fab("history", "--json")
    assert site.origin.certificate_arn in logged
    assert site.origin.name not in logged


def test_the_secret_and_the_name_are_in_no_plan_state_or_file_of_the_operators(site: Site) -> None:
    release = build(site.stack, "4.0.2")
    planned = site.stack.fab("deploy", "--release", release, "--dry-run")
    shown = site.stack.succeed("pulumi", "stack", "output", "--json", "-s", site.stack.name)
    state = "".join(file.read_text(encoding="utf-8") for file in (site.stack.directory / "state").rglob("*.json"))
    kept = "".join(file.read_text(encoding="utf-8") for file in site.stack.checkout.stack_cache.iterdir())
    for text in (planned, shown, kept):
        assert site.origin.secret not in text
        assert site.origin.name not in text
    assert site.origin.secret not in state
    assert '"secret"' not in shown
