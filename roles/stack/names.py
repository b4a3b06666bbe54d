"""Names: those of the stacks that the project brings for a night, and those that somebody mistyped."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from infra.bridge.errors import OperatorError

PRODUCTION, REHEARSAL = "produksi", "staging"


def closest(name: str, known: Iterable[str]) -> str:
    """The names that somebody may have meant."""
    listed = sorted(known)
    near = difflib.get_close_matches(name, listed, 3, 0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"there are: {', '.join(listed) or 'none'}"


def settings_file(project: Path, stack: str) -> Path:
    """Where a stack's settings are.

    Raises:
        OperatorError: There is no such stack; the message has the closest names.
    """
    directory = project / "stacks"
    known = {file.name.removeprefix("Pulumi.").removesuffix(".yaml"): file for file in directory.glob("Pulumi.*.yaml")}
    if stack not in known:
        raise OperatorError(
            f"there is no stack {stack!r:.80}; {closest(stack, known)}",
            next_command=f"cp stacks/Pulumi.lokal.yaml stacks/Pulumi.{stack:.40}.yaml, and edit it",
        )
    return known[stack]
