"""Where this project's things are on the operator's machine."""

from dataclasses import dataclass
from pathlib import Path

SAMPLE = "samples/kpu-2019"
"""Real results that the project brings, a path from its folder."""


@dataclass(frozen=True)
class Checkout:
    """Where this project's things are.

    Args:
        project: The checkout.
        stack: The stack that is worked on.
    """

    project: Path
    stack: str

    @property
    def release_key(self) -> Path:
        """The private key that signs releases and snapshots."""
        return self.project / ".secrets/release"

    @property
    def dist(self) -> Path:
        """Where artefacts are built."""
        return self.project / "dist"

    @property
    def cache(self) -> Path:
        """What can be made anew at any time."""
        return self.project / ".cache"

    @property
    def stack_cache(self) -> Path:
        """What can be made anew from the stack's outputs."""
        return self.cache / self.stack
