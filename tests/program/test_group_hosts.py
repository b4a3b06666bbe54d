"""Hosts of a group in AWS: lab hosts as its instances, moto as its API, a stand-in for Session Manager."""

import json
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.bridge.bucket_layout import SITE_PREFIX, start_key
from infra.bridge.inventory import Host, Inventory, Publication
from roles.aws.targets import read_states
from roles.bucket.bucket import Bucket
from roles.bucket.start import StartBody, read_start
from tests.deploy.sources import release_of, slow
from tests.program.instances import boot_as_instances, process_of, stand_in_for_session_manager
from tests.stands.cloud import Cloud, InstanceGroup, cloud, make_bucket, make_group
from tests.stands.lab import PROJECT, SMALL, LabStack, lab_stack

PATH = "/ppwp/hitung-suara"
OPERATOR_KEY = ".secrets/operator.pub"
MACHINES = ("gudang-app-1", "gudang-app-2")


@dataclass(frozen=True)
class GroupSite:
    """A stack with nothing but a group, which serves.

    Args:
        stack: The stack; the engine knows its outputs, and made nothing.
        cloud: Its AWS.
        group: The group.
        machines: The lab hosts that are its instances, in the same order.
        processes: The first process of each of them.
        connected: The file that says which instances are connected to Session Manager.
        bucket: What it publishes to.
    """

    stack: LabStack
    cloud: Cloud
    group: InstanceGroup
    machines: tuple[Host, ...]
    processes: tuple[int, ...]
    connected: Path
    bucket: Bucket

    @property
    def start(self) -> StartBody:
        """What a new host of the group would do."""
        kept = self.bucket.read(start_key("jakarta"))
        assert kept
        return read_start(kept.body)

    @property
    def names(self) -> list[str]:
        return [f"jakarta-{instance}" for instance in self.group.instances]

    def connect(self, *instances: str) -> None:
        """These instances, and no others, are connected to Session Manager."""
        processes = dict(zip(self.group.instances, self.processes, strict=True))
        self.connected.write_text(json.dumps({instance: processes[instance] for instance in instances}))


@pytest.fixture(scope="module")
def site(shelf: LabStack) -> Generator[GroupSite, None, None]:
    machines = tuple(host for host in shelf.inventory().hosts if host.name in MACHINES)
    boot_as_instances(shelf, machines)
    with cloud() as aws, lab_stack("awan", "config: {}\n") as stack:
        group = make_group(2)
        processes = tuple(process_of(shelf, machine) for machine in machines)
        for instance, process in zip(group.instances, processes, strict=True):
            aws.consoles[instance] = Path(f"/proc/{process}/root/dev/console").read_text(encoding="utf-8")
        stack.environment.update(aws.environment)
        connected = stand_in_for_session_manager(stack)
        place = make_bucket()
        tell_the_engine(stack, group, place)
        made = GroupSite(stack, aws, group, machines, processes, connected, Bucket(place))
        made.connect(*group.instances)
        stack.fab("deploy", "--release", stack.build("3.0.0"))
        stack.fab("publish", "--source", SMALL)
        yield made


def tell_the_engine(stack: LabStack, group: InstanceGroup, bucket: Publication) -> None:
    """Give the stack the outputs that a program with this location would leave."""
    url, key = "https://hasil.uji.test", (PROJECT / OPERATOR_KEY).read_text(encoding="ascii")
    inventory = Inventory.model_validate(
        {
            "schema": 1,
            "operator_key": {"file": OPERATOR_KEY, "public": " ".join(key.split()[:2])},
            "stack": stack.name,
            "locations": [group.location],
            "edge": {"server_name": "hasil.uji.test", "url": url},
            "rollout": {"soak_seconds": 1},
            "publication": bucket.model_dump(),
            "hosts": [],
        }
    )
    type_ = "pulumi:pulumi:Stack"
    outputs = {"inventory": inventory.model_dump(mode="json", by_alias=True), "url": url}
    root = {"urn": f"urn:pulumi:{stack.name}::tegak::{type_}::tegak-{stack.name}", "type": type_, "outputs": outputs}
    file = stack.directory / "outputs.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": [root]}}))
    stack.succeed("pulumi", "stack", "init", stack.name)
    stack.succeed("pulumi", "stack", "import", "-s", stack.name, "--file", str(file))


def release_on(host: Host) -> str:
    printed = subprocess.check_output(["curl", "-sf", f"http://{host.address}/version"], text=True)
    return str(json.loads(printed)["release"])


def in_use(site: GroupSite) -> dict[str, str]:
    return dict(read_states(site.group.location))


def page_on(host: Host) -> bytes:
    return subprocess.check_output(["curl", "-sf", f"http://{host.address}{PATH}"])


def test_what_hosts_have_is_in_the_bucket_for_new_hosts_and_for_the_cdn(site: GroupSite) -> None:
    before, start = release_on(site.machines[0]), site.start
    assert start.release == before
    assert start.snapshot
    for archive in start.artefacts:
        kept = site.bucket.read(archive.key)
        assert kept
        assert len(kept.body) == archive.size_bytes
    national = site.bucket.read(f"{SITE_PREFIX}{PATH}")
    assert national
    assert national.body == page_on(site.machines[0])

    release = site.stack.build("3.0.7")
    shown = site.stack.fab("deploy", "--release", release, "--dry-run")
    assert f"start.json of jakarta: {release}" in shown
    assert site.start == start
    site.stack.fab("deploy", "--release", release)
    assert site.start.release == release
    site.stack.fab("rollback")
    assert site.start.release == before
    assert "site/ has" in site.stack.fab("bucket")


def test_what_is_only_written_into_the_log_reaches_new_hosts_too(site: GroupSite) -> None:
    site.stack.fab("freeze", "--reason", "hari tenang")
    try:
        files = [file for step in site.start.steps if isinstance(step.stdin, tuple) for file in step.stdin]
        assert any("hari tenang" in file.content for file in files)
    finally:
        site.stack.fab("unfreeze")


def test_without_s3_the_hosts_are_served_and_the_same_command_repairs_the_bucket(site: GroupSite) -> None:
    before, release = site.start, site.stack.build("3.0.8")
    site.stack.environment["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9"  # where nobody listens
    try:
        output = site.stack.fab_fails("deploy", "--release", release)
    finally:
        del site.stack.environment["AWS_ENDPOINT_URL_S3"]
    assert "the hosts have it, but the bucket" in output
    assert {release_on(host) for host in site.machines} == {release}
    assert site.start == before
    site.stack.fab("deploy", "--release", release)
    assert site.start.release == release


def test_the_whole_job_works_through_session_manager_and_the_target_group(site: GroupSite) -> None:
    stack = site.stack
    stack.fab("verify")
    release = stack.build("3.0.1")
    assert {release_on(host) for host in site.machines} != {release}
    printed = stack.fab("deploy", "--release", release)
    assert {release_on(host) for host in site.machines} == {release}
    canary = next(name for name in site.names if f"gate: watching {name}" in printed)
    assert f"gate: {canary}: " in printed
    assert "requests, 0 failed here alone" in printed
    steps = [line for line in printed.splitlines() if canary in line and "done" in line]
    order = [
        next(word for word in ("undrain", "drain", "activate") if word in line)
        for line in steps
        if "receive" not in line
    ]
    assert order == ["drain", "activate", "undrain"]
    assert in_use(site) == dict.fromkeys(site.group.instances, "up")

    history = json.loads(stack.fab("history", "--json", "--last", "1").splitlines()[-1])
    assert set(history["hosts"]) == set(site.names)
    assert "no drift" in stack.fab("drift")
    assert str(site.connected) not in subprocess.check_output(["ps", "-eo", "args"], text=True)


def test_a_release_that_its_gate_refuses_goes_back_and_its_host_into_the_target_group(
    site: GroupSite, tmp_path: Path
) -> None:
    before = {release_on(host) for host in site.machines}
    bad = release_of(tmp_path, "3.6.6", slow).name
    output = site.stack.fab_fails("deploy", "--release", bad)
    assert "gate: it was slow to answer" in output
    assert "1 hosts have what they had" in output
    assert {release_on(host) for host in site.machines} == before
    assert in_use(site) == dict.fromkeys(site.group.instances, "up")


def test_an_instance_that_is_not_connected_is_said_and_taken_out(site: GroupSite) -> None:
    first, second = site.group.instances
    site.connect(second)
    try:
        release = site.stack.build("3.0.2")
        output = site.stack.run("fab", "status", "--stack", site.stack.name).output
        assert "unreachable" in output
        refused = site.stack.fab_fails("deploy", "--release", release, "--unreachable-hosts", "0")
        assert (
            f"jakarta-{first}: reading its state: does not answer ssh (An error occurred (TargetNotConnected)"
            in refused
        )
    finally:
        site.connect(first, second)
    assert "the site itself" in site.stack.fab_fails("status")


def test_a_location_behind_a_cdn_is_not_drained_by_a_task_that_cannot(site: GroupSite) -> None:
    output = site.stack.fab_fails("drain-location", "jakarta", "--reason", "uji")
    assert "the edge of this stack is a CDN" in output
    assert "nothing was changed" in output


def test_an_instance_with_another_key_than_its_console_has_is_refused(site: GroupSite) -> None:
    first, second = site.group.instances
    kept = json.loads(site.connected.read_text())
    site.connected.write_text(json.dumps({first: kept[second], second: kept[first]}))
    try:
        output = site.stack.fab_fails("deploy")
        assert f"jakarta-{first}: reading its state: another machine answers at its address" in output
        assert "nothing was sent to it" in output
        assert "Host key verification failed" in site.stack.run("fab", "verify", "--stack", site.stack.name).output
    finally:
        site.connect(first, second)
