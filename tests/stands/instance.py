"""A lab host that takes itself for an instance of EC2: it boots with user data, as cloud-init would run it."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TypeVar

import boto3  # pyright: ignore[reportMissingTypeStubs]  # it has none

from infra.addresses import NetworkPlan, network_plan
from infra.lab import claim
from infra.lab.bridge import Bridge, ensure_bridge
from infra.lab.disk import Disk, SeedFile
from infra.lab.host import HostPlan, ensure_host
from infra.lab.image import ensure_image
from infra.lab.machine import Machine, first_process
from infra.lab.paths import host_directory
from roles.hosts.state import UNITS, HostState
from roles.scripts.layout import EDGE_CERTIFICATE
from roles.scripts.quoting import Script
from roles.scripts.state import probe_host, probe_request
from tests.stands import metadata
from tests.stands.rooms import PROJECT, room

T = TypeVar("T")
PACKAGES = "/usr/lib/python3/dist-packages"
BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3")
"""What Debian's python3-boto3 brings; `six` is a file."""

METADATA_NETWORK = """set -eu
ip netns add ec2
ip link add ec2 type veth peer name inside netns ec2
ip address add 169.254.169.253/30 dev ec2
ip link set ec2 up
ip -n ec2 address add 169.254.169.254/30 dev inside
ip -n ec2 link set inside up
"""
"""The service is no process of the instance's own: port 80 must be free there."""

METADATA_UNIT = """[Service]
ExecStartPre=/bin/sh /opt/metadata.sh
ExecStart=/usr/sbin/ip netns exec ec2 /usr/bin/python3 /opt/metadata.py {}
[Install]
WantedBy=multi-user.target
"""
AGENT_UNIT = (
    "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
)
AGENTS = ("amazon-ssm-agent", "amazon-cloudwatch-agent")
INSTALLED = (
    "Package: {}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n\n"
)
PATIENCE_SECONDS = 60
SECONDS_PER_TRY = 1
"""Instead of ten: what is tried again is tried soon."""


@dataclass(frozen=True)
class Instance:
    """A lab host as an instance.

    Args:
        id: Its id.
        plan: What the host is.
        disk: Its disk.
    """

    id: str
    plan: HostPlan
    disk: Disk

    def boot(self, user_data: str) -> None:
        """Boot it for the first time."""
        self._wait_for_systemd()
        self.run("useradd", "--system", "cwagent")  # as the CloudWatch agent's package does
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "enable", "--now", "metadata.service")
        self.run("sh", "-s", stdin=user_data)

    def restart(self) -> None:
        """Boot it again, as out of a warm pool."""
        plan = self.plan
        machine = Machine(plan.machine, plan.hostname, plan.bridge, plan.address.ip, self.disk)
        machine.stop()
        machine.start()
        self._wait_for_systemd()

    def run(self, *words: str, stdin: str = "") -> str:
        """Run a command in it, as its root."""
        result = self.try_(*words, stdin=stdin)
        assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
        return result.stdout

    def try_(self, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command in it that may fail."""
        target = first_process(self.disk)
        if target is None:
            return subprocess.CompletedProcess(words, 1, "", f"{self.plan.hostname} is not up")
        argv = ["nsenter", "--all", f"--target={target}", *words]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        return subprocess.run(argv, input=stdin, text=True, capture_output=True, env=environment, check=False)

    def script(self, script: Script, stdin: bytes) -> str:
        """Run a task's script in it."""
        return self.run("bash", "-c", script.command_line_of_root(), stdin=stdin.decode())

    def state(self) -> HostState:
        """What a task sees of it."""
        probe = probe_host(UNITS, EDGE_CERTIFICATE)
        return HostState.model_validate_json(self.script(probe, probe_request(answers=True)))

    @property
    def journal(self) -> str:
        """What it said about its start, since it booted."""
        return self.try_("journalctl", "--boot", "--unit=tegak-start.service", "--output=cat").stdout

    @property
    def console(self) -> str:
        """What it printed on its console."""
        return self.run("cat", "/dev/console")

    def serves(self) -> str | None:
        """The release that it answers with from outside; None if nothing answers."""
        argv = ["curl", "-sfk", "-m", "2", f"https://{self.plan.address.ip}/version"]
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        return str(json.loads(result.stdout)["release"]) if result.returncode == 0 else None

    def waits_for(self, words: str) -> None:
        """Wait until it has said some words of its start."""
        eventually(lambda: words in self.journal, lambda: self.journal)

    def _wait_for_systemd(self) -> None:
        eventually(
            lambda: self.try_("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"},
            lambda: (self.disk.directory / "console.log").read_text(encoding="utf-8", errors="replace"),
        )


def eventually(true: Callable[[], bool], said: Callable[[], str]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, said()
        time.sleep(0.2)


@dataclass(frozen=True)
class Lab:
    """Where instances can be.

    Args:
        stack: What the lab calls it; no engine knows it.
        network: Their network.
    """

    stack: str
    network: NetworkPlan


@contextmanager
def network(what: str) -> Generator[Lab, None, None]:
    """A network for instances, on this machine alone."""
    with room() as place:
        plan = network_plan(place.network, 1)
        stack = place.name(what)
        claim.claim_stack(stack, claim.CheckoutMark(stack, str(PROJECT)))
        claim.note_bridge(stack, plan.bridge)
        ensure_bridge(Bridge(plan.bridge, plan.gateway, 0, f"{stack}/instances"))
        yield Lab(stack, plan)


@contextmanager
def instance(lab: Lab, id_: str, endpoints: dict[str, str]) -> Generator[Instance, None, None]:
    """An instance that has not booted with its user data yet.

    Args:
        lab: Where it is.
        id_: The instance's id.
        endpoints: Where AWS is, as boto3 reads it from the environment.
    """
    network = lab.network
    address = network.app_host(1)
    plan = HostPlan(
        stack=lab.stack,
        machine=network.machine(address),
        hostname="ip-10-20-1-7",
        bridge=network.bridge,
        address=IPv4Interface(f"{address}/{network.network.prefixlen}"),
        gateway=network.gateway.ip,
        image=ensure_image(),
        operator_key="ssh-ed25519 AAAA none",
        certificate=None,
    )
    disk = Disk(host_directory(lab.stack, plan.hostname))
    disk.directory.mkdir(parents=True, exist_ok=True)
    disk.mount(plan.image)
    disk.write(_seeds(disk, id_, endpoints))
    _copy_boto3(disk)
    ensure_host(plan)
    made = Instance(id_, plan, disk)
    try:
        yield made
    finally:
        Machine(plan.machine, plan.hostname, plan.bridge, plan.address.ip, disk).stop()
        disk.delete()


def _seeds(disk: Disk, id_: str, endpoints: dict[str, str]) -> tuple[SeedFile, ...]:
    status = (disk.root / "var/lib/dpkg/status").read_text(encoding="utf-8") + INSTALLED.format("python3-boto3")
    lab = f"[Service]\nRestartSec={SECONDS_PER_TRY}\n" + "".join(
        f"Environment={key}={value}\n" for key, value in endpoints.items()
    )
    return (
        SeedFile("/opt/metadata.sh", METADATA_NETWORK.encode()),
        SeedFile("/opt/metadata.py", Path(metadata.__file__).read_bytes()),
        SeedFile("/etc/systemd/system/metadata.service", METADATA_UNIT.format(id_).encode()),
        *(SeedFile(f"/etc/systemd/system/{name}.service", AGENT_UNIT.encode()) for name in AGENTS),
        SeedFile("/etc/systemd/system/tegak-start.service.d/lab.conf", lab.encode()),
        SeedFile("/var/lib/dpkg/status", status.encode()),
    )


def _copy_boto3(disk: Disk) -> None:
    source, target = Path(boto3.__file__).parents[1], disk.root / PACKAGES.lstrip("/")
    target.mkdir(parents=True, exist_ok=True)
    for name in BOTO3:
        shutil.copytree(source / name, target / name, ignore=_not_needed, dirs_exist_ok=True)
    shutil.copy(source / "six.py", target)


def _not_needed(directory: str, names: list[str]) -> set[str]:
    """Descriptions of the services that are not asked, which are nearly all of it."""
    kept = {"s3", "autoscaling", "sts"}
    services = directory.endswith("botocore/data")
    return {
        name
        for name in names
        if name == "__pycache__" or (services and name not in kept and not name.endswith(".json"))
    }
