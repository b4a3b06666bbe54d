"""A plan by OpenSSH alone: one shared connection a host, a process for each step, nothing else.

No state is read, no lock is taken, nothing is fenced, written down or tidied up: the least that the plan can cost.
"""

import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from infra.bridge.inventory import Host, RolloutPolicy
from roles.hosts.connection import HostError, Remote
from roles.hosts.fleet import Fleet
from roles.hosts.login import Login, log_in_with
from roles.rollout.gate import judge, measure
from roles.rollout.plan import Gate, HostChange, Plan, in_one_go
from roles.scripts.quoting import Script
from roles.stack.checkout import Checkout
from roles.tasks.verify import write_access

CONNECT_TIMEOUT_SECONDS = 20
GRACE_SECONDS = 15
"""How much longer than its own time-out a script's ssh may take."""

T = TypeVar("T")


class SshRemote(Remote):
    """A host that scripts are run on by `ssh`.

    Args:
        host: From the inventory.
        login: What lets us in.
        argv: `ssh` with its options.
    """

    def __init__(self, host: Host, login: Login, argv: tuple[str, ...]) -> None:
        super().__init__(host, login)
        self._argv = argv

    def run(self, step: str, script: Script, stdin: bytes | BinaryIO | None = None) -> str:
        """Run a script over the shared connection and return what it printed."""
        argv = [*self._argv, "-o", "ControlMaster=no", self.host.name, script.command_line()]
        with tempfile.TemporaryFile() as held:
            if isinstance(stdin, bytes):
                held.write(stdin)
                held.seek(0)
            file = held if stdin is None or isinstance(stdin, bytes) else stdin
            result = subprocess.run(
                argv, stdin=file, capture_output=True, check=False, timeout=script.timeout_seconds + GRACE_SECONDS
            )
        if result.returncode != 0:
            raise HostError(self.host.name, step, result.stderr.decode(errors="replace").strip())
        return result.stdout.decode()

    def open(self) -> None:
        """Log in; the connection stays until it is closed."""
        self._master("-o", "ControlMaster=yes", "-o", "ControlPersist=600", "-f", "-N", self.host.name)

    def close(self) -> None:
        """Close the shared connection."""
        self._master("-O", "exit", self.host.name, check=False)

    def _master(self, *words: str, check: bool = True) -> None:
        # It goes on in the background: a pipe of ours would never end.
        subprocess.run(
            [*self._argv, *words],
            check=check,
            timeout=CONNECT_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class RawSsh:
    """Carries plans out by OpenSSH.

    Args:
        fleet: The hosts, reached by `SshRemote`.
        remotes: The same, by name.
    """

    def __init__(self, fleet: Fleet, remotes: Mapping[str, SshRemote]) -> None:
        self._fleet = fleet
        self._remotes = remotes

    def carry_out(self, plan: Plan, policy: RolloutPolicy) -> None:
        """Log in, then do the plan, batch after batch.

        Raises:
            HostError: A step failed; nothing is put back.
        """
        used = {step.on.name for change in plan.changes for step in change.steps}
        used |= {phase.gate.on.name for phase in plan.phases if phase.gate}
        _side_by_side(lambda name: self._remotes[name].open(), used)
        for phase in plan.phases:
            for batch in phase.batches:
                _side_by_side(self._change, batch)
            if phase.gate:
                self._pass(phase.gate, policy)

    def close(self) -> None:
        """Log out."""
        for remote in self._remotes.values():
            remote.close()

    def _change(self, change: HostChange) -> None:
        for step in change.steps:
            script, remote = in_one_go(step.do, step.check), self._fleet[step.on]
            if not isinstance(script, Script):
                raise TypeError("this is measured on hosts with load balancers of their own")
            if isinstance(step.stdin, Path):
                with step.stdin.open("rb") as file:
                    remote.run(step.name, script, file)
            else:
                remote.run(step.name, script, step.stdin)

    def _pass(self, gate: Gate, policy: RolloutPolicy) -> None:
        verdict = judge(measure(self._fleet, gate, policy), policy)
        if verdict.outcome != "pass":
            raise HostError(", ".join(gate.canaries), "gate", verdict.reason)


@contextmanager
def raw_ssh(checkout: Checkout, fleet: Fleet) -> Generator[RawSsh, None, None]:
    """The same hosts by OpenSSH; nobody is logged in yet."""
    write_access(checkout, fleet.inventory)
    # Not in the checkout: a socket's path must stay under 108 bytes.
    with tempfile.TemporaryDirectory(prefix="tegak-raw.") as sockets:
        argv = ("ssh", "-F", str(checkout.stack_cache / "ssh_config"), "-o", f"ControlPath={sockets}/%C")
        login = log_in_with(fleet.inventory.operator_key, checkout.project)
        remotes = {host.name: SshRemote(host, login, argv) for host in fleet.inventory.hosts}
        raw = RawSsh(Fleet(fleet.inventory, remotes), remotes)
        try:
            yield raw
        finally:
            raw.close()


def _side_by_side(act: Callable[[T], None], items: Iterable[T]) -> None:
    listed = list(items)
    with ThreadPoolExecutor(max(len(listed), 1)) as threads:
        for done in [threads.submit(act, item) for item in listed]:
            done.result()
