"""ssh to one host: keys pinned from the inventory, one script a step, nothing that waits for ever."""

import base64
import contextlib
import logging
import shlex
import socket
import threading
import time
from collections.abc import Mapping
from typing import BinaryIO, cast

import paramiko
from fabric import Config, Connection  # pyright: ignore[reportMissingTypeStubs]  # it has none

from infra.bridge.errors import OperatorError
from infra.bridge.host_keys import known_name
from infra.bridge.inventory import Host, Kind
from roles.hosts.login import Login
from roles.hosts.proxy import Proxy
from roles.scripts.lock import FENCED
from roles.scripts.quoting import Script

CONNECT_TIMEOUT_SECONDS = 8
KEEPALIVE_SECONDS = 2
"""How often something is sent while a step runs; unanswered for the time-out above, the host counts as unreachable."""

SESSIONS = 8
"""Scripts at the same time over one connection: sshd refuses more than 10 (MaxSessions of sshd_config)."""

REFUSED_WAIT_SECONDS = 0.1
"""After sshd refused a session: it counts one that has ended until it has tidied it up."""

NO_EXIT_STATUS = -1
TIMED_OUT = 124
"""What `timeout` ends with (coreutils)."""

_WHEN_SILENT: Mapping[Kind, str] = {
    "lab": "pulumi up   # repairs a dead host",
    "hosts": "ssh -p {host.ssh_port} {host.ssh_user}@{host.address}   # a machine of one's own: look at it",
    "aws": "aws ssm describe-instance-information   # its group replaces a dead one by itself",
}
_WHEN_ANOTHER_ANSWERS: Mapping[Kind, str] = {
    "lab": "pulumi refresh   # if {host.name} was made anew; otherwise find out who answers",
    "hosts": "ssh-keyscan -p {host.ssh_port} {host.address}   # compare on its console, then change host_keys",
    "aws": "aws ec2 get-console-output --instance-id {host.address}   # the keys that it was started with",
}

LAST_LINES = 5
CHUNK_BYTES = 256 * 1024


# Its threads also write tracebacks of what is raised here, as a sentence, where nobody else listens to its log.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class HostError(OperatorError):
    """A step failed on a host.

    Args:
        host: The host's name.
        step: What was being done.
        detail: Its last words.
        next_command: What to type next.
    """

    def __init__(self, host: str, step: str, detail: str, next_command: str | None = None) -> None:
        super().__init__(f"{host}: {step}: {detail}", next_command=next_command)
        self.host = host
        self.step = step
        self.detail = detail


class UnreachableError(HostError):
    """The host doesn't answer, or the connection broke: whether the step was done is not known."""


class FencedError(HostError):
    """The lock was taken over: the rollout that asked for this must stop, and touch nothing more."""


class HostKeyError(HostError):
    """Whoever answers at the host's address is not the host that was provisioned."""


class PinnedConnection(Connection):
    """Fabric's connection, with the host keys of the inventory instead of any it is shown."""

    def __init__(self, host: Host, login: Login) -> None:
        agent = paramiko.Agent() if login.from_agent else None
        arguments = {
            **login.arguments(agent),
            "look_for_keys": False,
            "allow_agent": False,
            "banner_timeout": CONNECT_TIMEOUT_SECONDS,
            "auth_timeout": CONNECT_TIMEOUT_SECONDS,
            "channel_timeout": CONNECT_TIMEOUT_SECONDS,
        }
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            host=str(host.address),
            user=host.ssh_user,
            port=host.ssh_port,
            # The operator's own ssh_config could send us elsewhere.
            config=Config(lazy=True, overrides={"load_ssh_configs": False}),
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            connect_kwargs=arguments,
            gateway=shlex.join(host.ssh_proxy) or None,
        )
        self._agent = agent
        self._proxy = Proxy(host.ssh_proxy) if host.ssh_proxy else None
        client = cast("paramiko.SSHClient", self.client)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        for line in host.host_keys:
            kind, text = line.split()[:2]
            key = paramiko.PKey.from_type_string(kind, base64.b64decode(text))
            client.get_host_keys().add(known_name(str(host.address), host.ssh_port), kind, key)

    def open_gateway(self) -> socket.socket:
        """The connection through the host's proxy; fabric calls it where there is one."""
        if self._proxy is None:
            raise TypeError("a host that is reached at its address has no proxy")
        return self._proxy.start()

    def close(self) -> None:
        """Close the connection and what carries it; fine if it isn't open."""
        super().close()  # pyright: ignore[reportUnknownMemberType]
        if self._agent is not None:
            self._agent.close()
        if self._proxy is not None:
            self._proxy.stop()

    @property
    def last_words(self) -> str:
        """What its proxy complained of; empty where there is none or it didn't."""
        return self._proxy.last_words() if self._proxy is not None else ""


class Remote:
    """A host that scripts are run on, side by side over one connection, which is opened at first use.

    Args:
        host: From the inventory.
        login: What lets us in.
    """

    def __init__(self, host: Host, login: Login) -> None:
        self.host = host
        self._login = login
        self._connection: PinnedConnection | None = None
        self._opening = threading.Lock()
        self._sessions = threading.BoundedSemaphore(SESSIONS)

    def run(self, step: str, script: Script, stdin: bytes | BinaryIO | None = None) -> str:
        """Run a script and return what it printed.

        Args:
            step: What is being done, for the error's sentence.
            script: Ends by itself after its time-out.
            stdin: What it reads.

        Raises:
            HostKeyError: Another machine answers at the host's address.
            UnreachableError: The host doesn't answer, or stopped answering.
            HostError: The script failed.
        """
        try:
            code, out, error = self._execute(script, stdin)
        except paramiko.BadHostKeyException as problem:
            raise HostKeyError(
                self.host.name,
                step,
                "another machine answers at its address, with another host key; nothing was sent to it",
                _WHEN_ANOTHER_ANSWERS[self.host.kind].format(host=self.host),
            ) from problem
        except (OSError, EOFError, paramiko.SSHException) as problem:
            complaint = self._connection.last_words if self._connection else ""
            self.close()
            raise UnreachableError(
                self.host.name,
                step,
                f"does not answer ssh ({complaint or _words(problem)})",
                _WHEN_SILENT[self.host.kind].format(host=self.host),
            ) from problem
        if code == FENCED:
            raise FencedError(self.host.name, step, error.strip(), "fab status and fab history")
        if code == TIMED_OUT:
            raise HostError(self.host.name, step, f"did not end within {script.timeout_seconds} s, and was ended")
        if code != 0:
            lines = [line for line in (error or out).strip().splitlines() if line.strip()][-LAST_LINES:]
            raise HostError(self.host.name, step, " | ".join(lines) or f"exit code {code}")
        return out

    def close(self) -> None:
        """Close the connection; fine if it isn't open."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._connection = None

    def _execute(self, script: Script, stdin: bytes | BinaryIO | None) -> tuple[int, str, str]:
        with self._sessions:
            channel = self._open_session()
            try:
                channel.settimeout(script.timeout_seconds + CONNECT_TIMEOUT_SECONDS)
                channel.exec_command(script.command_line())
                _send(channel, stdin)
                return _receive(channel)
            finally:
                channel.close()

    def _open_session(self) -> paramiko.Channel:
        deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
        while True:
            transport = self._transport()
            try:
                return transport.open_session(timeout=CONNECT_TIMEOUT_SECONDS)
            except paramiko.SSHException:
                # Of two refusals at a time paramiko names but one: what tells is that the connection stands.
                if not transport.is_active() or time.monotonic() > deadline:
                    raise
                time.sleep(REFUSED_WAIT_SECONDS)

    def _transport(self) -> paramiko.Transport:
        with self._opening:
            if self._connection is None:
                self._connection = PinnedConnection(self.host, self._login)
            if not self._connection.is_connected:  # pyright: ignore[reportUnknownMemberType]
                self._connection.open()
                transport = cast("paramiko.Transport", self._connection.transport)
                transport.set_keepalive(KEEPALIVE_SECONDS)
                # What is sent and never acknowledged ends the connection: dropped packets look like silence otherwise.
                link = cast("socket.socket", transport.sock)
                if link.family != socket.AF_UNIX:  # a proxy's own connection is its own business
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CONNECT_TIMEOUT_SECONDS * 1000)
            return cast("paramiko.Transport", self._connection.transport)


def _send(channel: paramiko.Channel, stdin: bytes | BinaryIO | None) -> None:
    # A script that ended early has said why: what it didn't read is no error of its own.
    with contextlib.suppress(OSError):
        if isinstance(stdin, bytes):
            channel.sendall(stdin)
        elif stdin is not None:
            while chunk := stdin.read(CHUNK_BYTES):
                channel.sendall(chunk)
        channel.shutdown_write()


def _receive(channel: paramiko.Channel) -> tuple[int, str, str]:
    # What scripts say on standard error fits the channel's window: it can wait until the output has ended.
    out = b"".join(iter(lambda: channel.recv(CHUNK_BYTES), b""))
    error = b"".join(iter(lambda: channel.recv_stderr(CHUNK_BYTES), b""))
    code = channel.recv_exit_status()
    if code == NO_EXIT_STATUS:
        raise EOFError("the connection broke")
    return code, out.decode(errors="replace"), error.decode(errors="replace")


def _words(problem: BaseException) -> str:
    if isinstance(problem, paramiko.AuthenticationException):
        return "it refuses the operators' key"
    if isinstance(problem, TimeoutError | socket.timeout):
        return "time-out"
    return str(problem) or type(problem).__name__
