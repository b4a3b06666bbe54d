"""What lets us in on hosts: the operators' ssh key, in a file or held by ssh-agent."""

import base64
import shlex
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from infra.bridge.errors import OperatorError
from infra.bridge.files import refuse_open
from infra.bridge.inventory import OperatorKey


@dataclass(frozen=True)
class Login:
    """What lets us in on hosts.

    Args:
        file: The private key, or where it would be.
        public: Type and body of its public half.
        from_agent: Whether ssh-agent is asked for it: the file isn't there, has a passphrase, or stands for a token.
    """

    file: Path
    public: str
    from_agent: bool = False

    def arguments(self, agent: paramiko.Agent | None) -> dict[str, object]:
        """What paramiko is told.

        Args:
            agent: A connection to ssh-agent, where it is asked.

        Raises:
            paramiko.AuthenticationException: The agent no longer has the key.
        """
        if agent is None:
            return {"key_filename": str(self.file)}
        key = _held(agent, self.public)
        if key is None:
            raise paramiko.AuthenticationException("ssh-agent no longer has the operators' key")
        return {"pkey": key}


def log_in_with(key: OperatorKey, directory: Path) -> Login:
    """What lets us in, looked at before any host is asked.

    Args:
        key: The operators' key, from the inventory.
        directory: The project's folder, from which its path goes.

    Raises:
        OperatorError: It can't be used; no host was asked.
    """
    file, named = directory / key.private, shlex.quote(key.private)
    refuse_open(directory, key.private)
    why = _why_not(file, key)
    if why is None:
        return Login(file, key.public)
    agent = paramiko.Agent()
    try:
        held = _held(agent, key.public)
    finally:
        agent.close()
    if held is None:
        raise OperatorError(
            f"the operators' key {key.private} {why}, and ssh-agent doesn't have it; no host was asked",
            next_command=f"ssh-add {named}"
            if file.exists()
            else f"ls -l {named} {named}.pub; make setup makes .secrets/operator",
        )
    return Login(file, key.public, from_agent=True)


def _why_not(file: Path, key: OperatorKey) -> str | None:
    """Why the file alone doesn't let us in; None if it does.

    Raises:
        OperatorError: It is another key: no agent is asked instead.
    """
    if not file.exists():
        return "is missing"
    try:
        private = serialization.load_ssh_private_key(file.read_bytes(), password=None)
    except TypeError:
        return "has a passphrase"
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"can't be used ({error})"
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    if public.decode() != key.public:
        raise OperatorError(
            f"the operators' key {key.private} is not the one that the hosts were given; no host was asked",
            next_command="pulumi up   # gives it to them",
        )
    return None


def _held(agent: paramiko.Agent, public: str) -> paramiko.PKey | None:
    wanted = base64.b64decode(public.split()[1])
    return next((key for key in agent.get_keys() if key.asbytes() == wanted), None)
