"""Who may sign what hosts take: a line of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS)."""

from pathlib import Path

from infra.bridge.errors import OperatorError

SIGNER = "release@tegak"
NAMESPACES = ("tegak-release", "tegak-snapshot", "tegak-start")
"""What the release key signs: releases, snapshots, and what a new host of a group does."""

PUBLIC_KEY = ".secrets/release.pub"
"""Where set-up leaves it, from the project's folder."""


def read_signers(public_key: Path) -> str:
    """The line of an allowed_signers file.

    Raises:
        OperatorError: The key is missing.
    """
    try:
        kind, key, *_ = public_key.read_text(encoding="ascii").split()
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"the release key {public_key.name} can't be read; set-up makes it", next_command="make setup"
        ) from error
    return f'{SIGNER} namespaces="{",".join(NAMESPACES)}" {kind} {key}'
