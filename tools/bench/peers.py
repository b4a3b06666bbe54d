"""The same release by the tools that others use: pyinfra and Ansible, each in a way that is usual for it.

They are installed by pip into a virtual environment of the benchmark's own, .cache/bench-tools, and never otherwise.
Each sends, checks sha256 and signature, unpacks and compiles, switches, restarts and waits for the release's answer;
the host does the same work in the same words. Neither drains, reads what a host has before, or can put it back.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.bridge.inventory import Host, Inventory
from infra.bridge.signers import SIGNER
from roles.artefacts.release import RELEASE_NAMESPACE, Release
from roles.rollout.changes import READY_SECONDS
from roles.scripts.artefacts import point, wait_ready
from roles.scripts.layout import ALLOWED_SIGNERS, COMPLETE, CURRENT_RELEASE, INCOMING, RELEASES, SERVICE
from roles.scripts.quoting import Script, command, script
from roles.stack.checkout import Checkout

REQUIREMENTS = ("pyinfra==3.10.*", "ansible-core==2.19.*")
RECIPES = Path(__file__).with_name("recipes")
INSTALL_SECONDS = 300
RUN_SECONDS = 280
LAST_CHARACTERS = 3000
ANSIBLE_SSH_ARGS = "-C -o ControlMaster=auto -o ControlPersist=60s"
"""Its own default."""


class PeerError(Exception):
    """A tool can't be installed, or failed: the message has its last words."""


@dataclass(frozen=True)
class Peers:
    """The tools, on a stack's hosts.

    Args:
        checkout: With the stack's access files written.
        inventory: The stack's.
        directory: Where they are installed.
    """

    checkout: Checkout
    inventory: Inventory
    directory: Path

    def pyinfra(self, release: Release) -> None:
        """Bring a release to all app hosts with pyinfra.

        Raises:
            PeerError: It failed.
        """
        with tempfile.TemporaryDirectory(prefix="tegak-pyinfra.") as name:
            hosts = [(host.name, self._pyinfra_host(host, release)) for host in self._hosts]
            inventory = Path(name) / "inventory.py"
            inventory.write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
            argv = ["pyinfra", str(inventory), str(RECIPES / "by_pyinfra.py"), "-y"]
            self._run([*argv, "--parallel", str(len(hosts))], Path(name), {})

    def ansible(self, release: Release) -> None:
        """Bring a release to all app hosts with Ansible.

        Raises:
            PeerError: It failed.
        """
        with tempfile.TemporaryDirectory(prefix="tegak-ansible.") as name:
            inventory, variables = Path(name) / "hosts.json", Path(name) / "variables.json"
            own = Path(name) / "ansible.cfg"
            own.touch()  # instead of any that this machine has
            hosts = {host.name: self._ansible_host(host) for host in self._hosts}
            inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
            variables.write_text(json.dumps(_texts(release)), encoding="utf-8")
            settings = {
                "ANSIBLE_CONFIG": str(own),
                "ANSIBLE_HOME": name,
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_FORKS": str(len(hosts)),
                # With the pinned keys, and sockets of this run: each run logs in anew.
                "ANSIBLE_SSH_ARGS": f"{ANSIBLE_SSH_ARGS} -o UserKnownHostsFile={self._known}",
                "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{name}/cp",
            }
            argv = ["ansible-playbook", "-i", str(inventory), "-e", f"@{variables}", str(RECIPES / "by_ansible.yml")]
            try:
                self._run(argv, Path(name), settings)
            finally:
                _close_connections(Path(name) / "cp")

    @property
    def _hosts(self) -> tuple[Host, ...]:
        return self.inventory.with_role("app")

    @property
    def _known(self) -> Path:
        return self.checkout.stack_cache / "known_hosts"

    def _pyinfra_host(self, host: Host, release: Release) -> dict[str, object]:
        return {
            "ssh_hostname": str(host.address),
            "ssh_port": host.ssh_port,
            "ssh_user": host.ssh_user,
            "ssh_key": str(self.checkout.project / self.inventory.operator_key.private),
            "ssh_known_hosts_file": str(self._known),
            "ssh_strict_host_key_checking": "yes",
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
            **_texts(release),
        }

    def _ansible_host(self, host: Host) -> dict[str, object]:
        return {
            "ansible_host": str(host.address),
            "ansible_port": host.ssh_port,
            "ansible_user": host.ssh_user,
            "ansible_ssh_private_key_file": str(self.checkout.project / self.inventory.operator_key.private),
            "ansible_python_interpreter": "/usr/bin/python3",
        }

    def _run(self, argv: list[str], cwd: Path, settings: Mapping[str, str]) -> None:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", **settings}
        argv = [str(self.directory / "bin" / argv[0]), *argv[1:]]
        try:
            result = subprocess.run(
                argv,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=RUN_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise PeerError(f"{argv[0]} did not end within {RUN_SECONDS} s") from None
        if result.returncode != 0:
            raise PeerError(f"{argv[0]} ended with {result.returncode}:\n{result.stdout[-LAST_CHARACTERS:]}")


def install_peers(checkout: Checkout) -> Path:
    """The tools' directory; installed if they aren't there.

    Raises:
        PeerError: They can't be installed.
    """
    directory = checkout.cache / "bench-tools"
    commands = [
        [sys.executable, "-m", "venv", str(directory)],
        [str(directory / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS],
    ]
    for argv in commands:
        try:
            result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            raise PeerError(f"{' '.join(argv)} did not end within {INSTALL_SECONDS} s") from None
        if result.returncode != 0:
            raise PeerError(f"{' '.join(argv)}: {(result.stderr.strip().splitlines() or ['no message'])[-1]}")
    return directory


def _texts(release: Release) -> dict[str, str]:
    """What the recipes do on a host, step by step."""
    artefact, target = release.artefact(), RELEASES / release.name
    packed, signature = INCOMING / "release.archive", INCOMING / "release.signature"
    verify = command("ssh-keygen", "-Y", "verify", "-f", ALLOWED_SIGNERS, "-I", SIGNER, "-n", RELEASE_NAMESPACE)
    check = script(
        f"{command('echo', f'{artefact.sha256}  {packed}')} | sha256sum --check --status",
        f"{verify} -s {command(signature)} < {command(packed)}",
    )
    unpack = script(
        command("mkdir", "-p", target),
        command("tar", "-xzf", packed, "-C", target, "--no-same-owner", "--no-same-permissions"),
        command("python3", "-m", "compileall", "-q", target / "lib"),
        command("touch", target / COMPLETE),
        command("rm", packed, signature),
    )
    return {
        "archive": str(release.path),
        "signature": f"{release.path}.sig",
        "incoming": str(INCOMING),
        "service": SERVICE,
        "check": _one_command(check),
        "unpack": _one_command(unpack),
        "switch": _one_command(script(*point(CURRENT_RELEASE, target))),
        "wait": _one_command(wait_ready(release.name, with_snapshot=True, seconds=READY_SECONDS)),
    }


def _one_command(wanted: Script) -> str:
    return command("timeout", wanted.timeout_seconds, "bash", "-c", wanted.text)


def _close_connections(sockets: Path) -> None:
    for socket in sockets.glob("*"):
        argv = ["ssh", "-S", str(socket), "-O", "exit", "any"]
        subprocess.run(argv, capture_output=True, check=False, timeout=10)
