"""Programs that are copied to a host and run there, with its own Python and the standard library alone."""

from functools import cache
from pathlib import Path


@cache
def program(*names: str) -> str:
    """A program as it is sent to a host.

    Args:
        names: Its files in this folder: what the last one uses of the others stands before it.
    """
    return "\n".join(Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in names)
