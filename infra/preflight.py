"""What the operators' files must be like: looked at on preview too, before anything is made."""

import datetime as dt
from pathlib import Path

from infra.bridge.certificate import read_certificate
from infra.bridge.errors import OperatorError
from infra.bridge.files import refuse_open
from infra.bridge.ssh import private_half
from infra.settings.stack import StackSettings


def check_certificate(directory: Path, settings: StackSettings, now: dt.datetime) -> None:
    """Refuse a certificate that the edge could not serve.

    Args:
        directory: The project's folder.
        settings: The stack's settings; most stacks have no certificate of their own.
        now: The time.

    Raises:
        OperatorError: A file is missing, they don't belong together, or browsers would refuse them.
    """
    if settings.certificate is not None:
        read_certificate(directory, settings.certificate.files, settings.server_name, now)


def read_operator_key(directory: Path, named: str) -> str:
    """Read the public ssh key of those who deploy.

    Args:
        directory: The project's folder.
        named: The file, a path from there.

    Raises:
        OperatorError: The file is missing or is no public key, or others can read the private one beside it.
    """
    path = directory / named
    refuse_open(directory, private_half(named))
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"the operators' public key {path.name} can't be read ({type(error).__name__}); set-up makes it",
            next_command="make setup",
        ) from error
    if not key.startswith(("ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-", "sk-ssh-")) or "\n" in key:
        raise OperatorError(f"{path.name} is not one public ssh key", next_command="make setup")
    return key
