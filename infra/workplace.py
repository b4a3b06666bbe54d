"""Where the program runs from."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workplace:
    """Where the program runs from.

    Args:
        directory: The project's folder.
        operator_key: The public ssh key of those who deploy.
        signers: Who may sign what hosts take, a line of an allowed_signers file.
        delays: Whether this kernel can delay packets.
    """

    directory: Path
    operator_key: str
    signers: str
    delays: bool
