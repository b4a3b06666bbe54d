"""What is refused: each guard is broken here, and seen to hold."""

import gzip
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from infra.lab.machine import payload
from infra.lab.processes import read
from roles.artefacts.release import Release, build_release
from roles.artefacts.signing import sign
from roles.artefacts.snapshot import SNAPSHOT_NAMESPACE
from roles.hosts.connection import HostKeyError
from roles.hosts.pool import read_app_pool, read_servers
from roles.hosts.state import HostState, read_state
from roles.scripts.artefacts import receive_release
from roles.scripts.layout import APP_HOSTS
from roles.scripts.pool import undrain, wait_until_up
from roles.scripts.quoting import command, script
from tests.deploy.faults import on_host_until_left
from tests.deploy.sources import appended, release_of
from tests.deploy.test_rollout import host_named
from tests.stands.lab import PROJECT, SMALL, LabStack
from tests.stands.ssh_keys import make_key


def app_hosts(stack: LabStack) -> tuple[Host, ...]:
    return stack.inventory().with_role("app")


def state_of(stack: LabStack, host: Host) -> HostState:
    fleet = stack.fleet()
    state = read_state(fleet, host)
    fleet.close()
    return state


def on_host(stack: LabStack, host: Host, *words: str) -> str:
    fleet = stack.fleet()
    printed = fleet[host].run("test", script(command(*words)))
    fleet.close()
    return printed


@pytest.fixture
def built(stack: LabStack) -> Generator[Release, None, None]:
    """A release of this test's own, that no host has; its files go afterwards."""
    release = build_release(stack.checkout, "6.6.6")
    yield release
    for file in release.path.parent.glob(f"{release.path.name}*"):
        file.unlink()


@contextmanager
def another_host_key(stack: LabStack, host: Host) -> Generator[None, None, None]:
    """The host's sshd shows another key than the one that was provisioned."""
    disk = stack.disk(host)
    file = disk.root / "etc/ssh/ssh_host_ed25519_key"
    kept = file.read_bytes()
    form = serialization.PrivateFormat.OpenSSH
    key = ed25519.Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    _reload_sshd(stack, host)
    yield
    file.write_bytes(kept)
    _reload_sshd(stack, host)


def _reload_sshd(stack: LabStack, host: Host) -> None:
    """From outside, as no login is possible: the oldest sshd of the host is the one that listens."""
    os.kill(min(pid for pid in payload(stack.disk(host)) if read(pid, "comm") == "sshd\n"), signal.SIGHUP)
    time.sleep(1)


def test_a_changed_host_key_is_refused_before_anything_is_sent(stack: LabStack) -> None:
    host = app_hosts(stack)[0]
    with another_host_key(stack, host):
        fleet = stack.fleet()
        with pytest.raises(HostKeyError):
            fleet[host].run("test", script("true"))
        output = stack.fab_fails("deploy", "--unreachable-hosts", "0")
        assert f"{host.name}: reading its state: another machine answers at its address" in output
        assert "nothing was sent to it" in output
        assert "nothing was changed" in output
        assert "Host key verification failed" in stack.run("fab", "verify", "--stack", stack.name).output
    fleet = stack.fleet()
    fleet[host].run("test", script("true"))
    fleet.close()


def test_an_artefact_that_was_changed_after_signing_is_refused(stack: LabStack, built: Release) -> None:
    body = bytearray(built.path.read_bytes())
    body[len(body) // 2] ^= 1
    built.path.write_bytes(bytes(body))
    output = stack.fab_fails("deploy", "--release", built.name)
    assert "has another sha256 than it was built with" in output
    assert_untouched(stack, built)
    with pytest.raises(OperatorError, match="arrived with another sha256"):
        receive(stack, built)
    assert_untouched(stack, built)


def test_an_artefact_with_a_foreign_signature_is_refused(stack: LabStack, built: Release, tmp_path: Path) -> None:
    """The attacker replaces the artefact, its sha256 and its signature, all three; only the key is missing."""
    foreign = tmp_path / "release"
    make_key(foreign)
    built.path.write_bytes(gzip.compress(b"evil"))
    sign(built.path, foreign, "tegak-release")
    output = stack.fab_fails("deploy", "--release", built.name)
    assert "has no valid signature of release@tegak for tegak-release" in output
    with pytest.raises(OperatorError, match="has no valid signature of release@tegak for tegak-release"):
        receive(stack, built)
    assert_untouched(stack, built)


def test_a_snapshots_signature_does_not_pass_for_a_releases(stack: LabStack, built: Release) -> None:
    sign(built.path, stack.checkout.release_key, SNAPSHOT_NAMESPACE)
    assert "has no valid signature" in stack.fab_fails("deploy", "--release", built.name)
    with pytest.raises(OperatorError, match="has no valid signature"):
        receive(stack, built)
    assert_untouched(stack, built)


def test_a_missing_signature_is_said_before_anything_is_sent(stack: LabStack, built: Release) -> None:
    built.path.with_name(f"{built.path.name}.sig").unlink()
    assert "or what belongs to it is missing" in stack.fab_fails("deploy", "--release", built.name)
    assert_untouched(stack, built)


def receive(stack: LabStack, built: Release) -> None:
    """Send an artefact to a host, past the checks that are made here."""
    fleet = stack.fleet()
    host = fleet.inventory.with_role("app")[0]
    try:
        with built.path.open("rb") as file:
            fleet[host].run("receiving", receive_release(built.artefact()), file)
    finally:
        fleet.close()


def assert_untouched(stack: LabStack, built: Release) -> None:
    for host in app_hosts(stack):
        state = state_of(stack, host)
        assert built.name not in state.releases
        assert state.release == state.running_release
        assert on_host(stack, host, "ls", "/srv/tegak/incoming") == ""
        assert "half-made" not in on_host(stack, host, "ls", "/srv/tegak/releases")


def test_a_full_disk_is_said_and_leaves_nothing_behind(stack: LabStack, built: Release) -> None:
    fleet = stack.fleet()
    host = fleet.inventory.with_role("app")[0]
    artefact = built.artefact()
    huge = type(artefact)(artefact.name, 2**50, artefact.sha256, artefact.signature, artefact.namespace)
    with pytest.raises(OperatorError, match="the disk is full"), built.path.open("rb") as file:
        fleet[host].run("receiving", receive_release(huge), file)
    fleet.close()
    assert_untouched(stack, built)


def test_a_step_that_takes_too_long_is_ended_on_the_host(stack: LabStack) -> None:
    host = app_hosts(stack)[0]
    fleet = stack.fleet()
    with pytest.raises(OperatorError, match=f"{host.name}: sleeping: did not end within 1 s"):
        fleet[host].run("sleeping", script(command("sleep", 4321), timeout_seconds=1))
    assert "4321" not in fleet[host].run("test", script("ps -eo args | grep '^sleep' || true"))
    fleet.close()


def test_configuring_twice_changes_nothing_and_drift_is_seen_and_mended(stack: LabStack) -> None:
    assert "every host has it already" in stack.fab("configure")
    host = app_hosts(stack)[0]
    nginx = stack.disk(host).root / "etc/nginx/nginx.conf"
    kept = nginx.read_text()
    nginx.write_text(kept + "# changed by hand\n")
    (stack.disk(host).root / "etc/tegak/results.env").chmod(0o666)
    output = stack.fab_fails("drift")
    assert f"{host.name}: /etc/nginx/nginx.conf is not what" in output
    assert f"{host.name}: /etc/tegak/results.env is not what" in output
    assert "1 hosts changed" in stack.fab("configure")
    assert nginx.read_text() == kept
    assert "every host has it already" in stack.fab("configure")
    assert "no drift" in stack.fab("drift")


def test_a_file_that_its_checker_refuses_is_not_placed(stack: LabStack, tmp_path: Path) -> None:
    broken = release_of(tmp_path, "8.8.8", appended("templates/app/etc/nginx/nginx.conf.j2", "nonsense\n")).name
    output = stack.fab_fails("deploy", "--release", broken)
    template = f"templates/app/etc/nginx/nginx.conf.j2 in release {broken}"
    assert f"/etc/nginx/nginx.conf (of {template}) is refused by nginx:" in output
    assert "[emerg]" in output  # nginx's own words
    host = app_hosts(stack)[0]
    assert "nonsense" not in on_host(stack, host, "cat", "/etc/nginx/nginx.conf")
    assert "no drift" in stack.fab("drift")


def test_a_reload_that_was_not_done_is_done_by_the_next_configure(stack: LabStack) -> None:
    host = stack.inventory().with_role("lb")[0]
    mark = "/var/lib/tegak/pending/etc:haproxy:haproxy.cfg"
    on_host(stack, host, "touch", mark)  # as a rollout leaves it that is killed between placing and reloading
    assert "1 hosts changed" in stack.fab("configure")
    assert on_host(stack, host, "find", "/var/lib/tegak/pending", "-type", "f") == ""


def test_verify_fails_when_a_host_is_not_as_it_should_be(stack: LabStack) -> None:
    host = app_hosts(stack)[1]
    on_host(stack, host, "systemctl", "stop", "nginx")
    result = stack.run("fab", "verify", "--stack", stack.name)
    assert result.code == 1
    assert f"test_its_daemons_run_and_start_with_it[{host.name}]" in result.output
    assert "next: fab status, then fab configure" in result.output
    on_host(stack, host, "systemctl", "start", "nginx")
    balancer = stack.inventory().with_role("lb", host.location)[0]
    on_host(stack, balancer, "bash", "-c", wait_until_up("results", host.name, 20).text)


def test_results_with_errors_are_not_published_unless_asked_for(stack: LabStack, tmp_path: Path) -> None:
    before = {state_of(stack, host).snapshot for host in app_hosts(stack)}
    source = tmp_path / "results"
    shutil.copytree(PROJECT / SMALL, source)
    table = gzip.decompress((source / "tps.csv.gz").read_bytes()).decode()
    (source / "tps.csv.gz").write_bytes(gzip.compress(table.replace(",508,108,", ",5o8,108,", 1).encode()))
    output = stack.fab_fails("publish", "--source", str(source))
    assert "tps.csv.gz, row 2, votes_01: '5o8' is not a whole number" in output
    assert {state_of(stack, host).snapshot for host in app_hosts(stack)} == before

    options = ("publish", "--source", str(source), "--allow-errors")
    assert "polling stations, and" in stack.fab_fails(*options)  # one fewer than is shown
    assert {state_of(stack, host).snapshot for host in app_hosts(stack)} == before
    said = stack.fab(*options, "--correction", "Satu formulir ditarik.")
    assert "1 rows were left out" in said
    assert {state_of(stack, host).snapshot for host in app_hosts(stack)} != before
    version = json.loads(
        on_host(stack, app_hosts(stack)[0], "curl", "-sf", "http://127.0.0.1/static/json/version.json")
    )
    assert version["correction"]["reason"] == "Satu formulir ditarik."
    stack.fab("publish", "--source", SMALL)
    version = json.loads(
        on_host(stack, app_hosts(stack)[0], "curl", "-sf", "http://127.0.0.1/static/json/version.json")
    )
    assert "correction" not in version


def test_publishing_shows_without_a_restart(stack: LabStack, tmp_path: Path) -> None:
    host = app_hosts(stack)[0]
    main_pid = ("systemctl", "show", "tegak-results", "-p", "MainPID", "--value")
    before = on_host(stack, host, *main_pid)
    source = tmp_path / "results"
    shutil.copytree(PROJECT / SMALL, source)
    table = gzip.decompress((source / "tps.csv.gz").read_bytes()).decode()
    (source / "tps.csv.gz").write_bytes(gzip.compress(table.replace(",508,108,", ",509,108,", 1).encode()))
    path = "/ppwp/hitung-suara/-99/-991302/-991303/-991304/900000001"
    assert "<strong>508</strong>" in on_host(stack, host, "curl", "-sf", f"http://127.0.0.1{path}")
    stack.fab("publish", "--source", str(source))
    page = on_host(stack, host, "curl", "-sf", f"http://127.0.0.1{path}")
    assert "<strong>509</strong>" in page
    assert re.search("Jumlah suara semua calon tidak sama dengan suara sah", page)
    assert on_host(stack, host, *main_pid) == before
    stack.fab("publish", "--source", SMALL)


def test_a_stack_that_is_not_there_is_said_with_what_to_type(stack: LabStack) -> None:
    for task in ("status", "up"):
        output = stack.fail("fab", task, "--stack", "nirwana")
        assert "there is no stack 'nirwana'" in output
        assert "next: cp stacks/Pulumi.lokal.yaml stacks/Pulumi.nirwana.yaml" in output


def test_more_scripts_at_once_than_a_hosts_sshd_allows_wait_for_each_other(stack: LabStack) -> None:
    own = "/etc/ssh/sshd_config.d/00-uji.conf"
    strict = f"echo MaxSessions 4 > {own} && systemctl reload ssh"
    with on_host_until_left(stack, "barat-lb-1", strict, f"rm {own} && systemctl reload ssh"):
        fleet = stack.fleet()
        remote, slow = fleet[host_named(stack, "barat-lb-1")], script("sleep 0.5; echo done")
        with ThreadPoolExecutor(20) as threads:
            running = [threads.submit(remote.run, "test", slow) for _ in range(20)]
            printed = [each.result() for each in running]
        fleet.close()
    assert printed == ["done\n"] * 20


def test_servers_of_one_load_balancer_can_be_put_into_the_pool_at_the_same_time(stack: LabStack) -> None:
    fleet = stack.fleet()
    remote = fleet[host_named(stack, "barat-lb-1")]
    servers = [host.name for host in fleet.inventory.with_role("app", "barat")] * 12
    with ThreadPoolExecutor(len(servers)) as threads:
        for done in [threads.submit(remote.run, "test", undrain(APP_HOSTS, name)) for name in servers]:
            done.result()
    assert set(read_app_pool(fleet, remote.host).values()) == {"up"}
    kept = remote.run("test", script("cat /var/lib/haproxy/server-state"))
    assert dict(read_servers(kept)) == read_app_pool(fleet, remote.host)
    fleet.close()
