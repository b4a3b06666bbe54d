"""One stack of all kinds: a group in AWS, machines that one owns behind the same CDN, and a lab for rehearsals.

`pulumi up` runs over a recorded account; the tasks find lab hosts as the group's instances, and moto as AWS.
"""

import datetime as dt
import json
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation
from infra.bridge.origin import ORIGIN_HEADER, Origin
from infra.lab import pki
from roles.rollout.request import Request
from roles.scripts.quoting import script
from roles.stack.stack import open_stack
from roles.tasks.archiving import publish
from roles.tasks.results import Results
from roles.tasks.rollouts import configure
from tests.deploy.sources import release_of, replaced
from tests.program.as_the_cdn import asking
from tests.program.instances import boot_as_instances, process_of, stand_in_for_session_manager
from tests.program.mixed_site import MixedSite, read_origin_of, settings_with
from tests.stands.cloud import Cloud, cloud, make_bucket, make_group
from tests.stands.lab import PROJECT, SMALL, LabStack, lab_stack, machine_stack
from tests.stands.recorded import PROVIDER
from tests.stands.recording.world import WORLD_VARIABLE

INSTANCES = ("lima-app-1", "lima-app-2")
HAPROXY = "templates/lb/etc/haproxy/haproxy.cfg.j2"


@pytest.fixture(scope="module")
def five() -> Generator[LabStack, None, None]:
    """A stack whose five hosts are machines for the other one: no role was ever applied to any."""
    with machine_stack("lima", "{name: lima, kind: lab, network: 1, app_hosts: 3}") as stack:
        yield stack


@pytest.fixture(scope="module")
def site(five: LabStack) -> Generator[MixedSite, None, None]:
    machines = {host.name: host for host in five.inventory().hosts}
    instances = [machines[name] for name in INSTANCES]
    boot_as_instances(five, instances)
    with cloud() as aws, lab_stack("aneka", settings_with(machines)) as stack:
        record_account(stack)
        stack.environment.update(aws.environment)
        connected = stand_in_for_session_manager(stack)
        stack.succeed("pulumi", "stack", "init", stack.name)
        stack.pulumi_up()
        inventory, origin = stack.inventory(), read_origin_of(stack)
        (place,) = (place for place in inventory.locations if isinstance(place, GroupLocation))
        group = make_group(len(instances), place.tags, place.target_group_arn)
        assert inventory.publication
        make_bucket(inventory.publication.bucket)
        members = dict(zip(group.instances, instances, strict=True))
        processes = {instance: process_of(five, machine) for instance, machine in members.items()}
        connected.write_text(json.dumps(processes))
        for instance, process in processes.items():
            aws.consoles[instance] = Path(f"/proc/{process}/root/dev/console").read_text(encoding="utf-8")
        issue_certificate(aws, origin, stack.directory)
        names = {f"jakarta-{instance}": machine for instance, machine in members.items()}
        bring_up(stack)
        yield MixedSite(stack, inventory, origin, names, stack.directory / "ca.crt")


def record_account(stack: LabStack) -> None:
    """Let the engine take the recording provider for AWS, over an account that is empty."""
    world = stack.directory / "world.json"
    world.unlink(missing_ok=True)
    stack.environment[WORLD_VARIABLE] = str(world)
    stack.environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    stack.environment["PATH"] = f"{PROVIDER}:{stack.environment['PATH']}"


def issue_certificate(aws: Cloud, origin: Origin, directory: Path) -> None:
    """Let ACM have issued what the program asked for."""
    authority = pki.make_authority(directory, "uji")
    pair = pki.issue_server_certificate(authority, directory, ["*.asal.uji.test"], [], now=dt.datetime.now(dt.UTC))
    certificate, key = pair.certificate_pem.encode(), pair.key_file.read_bytes()
    aws.has_certificate(origin.certificate_arn, certificate, key, authority.certificate_pem.encode())


def bring_up(stack: LabStack) -> None:
    """The first release and results; not before the load balancer has its certificate."""
    release = stack.build("4.0.0")
    refused = stack.fab_fails("deploy", "--release", release)
    assert "kementerian-lb-1: it has no certificate yet (fab certificate brings it)" in refused
    stack.fab("certificate")
    stack.fab("deploy", "--release", release)
    stack.fab("publish", "--source", SMALL)


def test_one_inventory_has_locations_of_every_kind(site: MixedSite) -> None:
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
    site: MixedSite, tmp_path: Path
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


def test_status_shows_every_host_and_only_the_cdn_which_is_not_there_is_missed(site: MixedSite) -> None:
    printed = site.stack.fab_fails("status")
    for name in (*site.app_hosts, "kementerian-lb-1", "gladi-lb-1"):
        assert name in printed
    assert "are not healthy: the site itself" in printed


def test_a_load_balancer_that_one_owns_answers_the_cdn_and_nobody_else(site: MixedSite) -> None:
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
    five: LabStack, site: MixedSite
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


def test_a_certificate_is_brought_once_and_logged_without_its_name(site: MixedSite) -> None:
    assert "every host has it already" in site.stack.fab("certificate")
    logged = site.stack.fab("history", "--json")
    assert site.origin.certificate_arn in logged
    assert site.origin.name not in logged


def test_results_are_published_while_nobody_can_read_the_stacks_secrets(
    site: MixedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_project: Path, _stack: str) -> Origin:
        raise OperatorError("the key service does not answer")

    monkeypatch.setattr("roles.stack.stack.read_origin", refuse)
    for name, value in site.stack.environment.items():
        monkeypatch.setenv(name, value)
    with open_stack(PROJECT, site.stack.name) as stack:
        request = Request(stack.fleet.inventory.rollout)
        publish(stack, Results(PROJECT / SMALL), request)
        with pytest.raises(OperatorError, match="the key service does not answer"):
            configure(stack, request)


def test_the_secret_and_the_name_are_in_no_plan_state_or_file_of_the_operators(site: MixedSite) -> None:
    release = site.stack.build("4.0.2")
    planned = site.stack.fab("deploy", "--release", release, "--dry-run")
    shown = site.stack.succeed("pulumi", "stack", "output", "--json", "-s", site.stack.name)
    state = "".join(file.read_text(encoding="utf-8") for file in (site.stack.directory / "state").rglob("*.json"))
    kept = "".join(file.read_text(encoding="utf-8") for file in site.stack.checkout.stack_cache.iterdir())
    for text in (planned, shown, kept):
        assert site.origin.secret not in text
        assert site.origin.name not in text
    assert site.origin.secret not in state
    assert '"secret"' not in shown
