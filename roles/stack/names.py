"""Names that somebody mistyped."""

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str:
    """The names that somebody may have meant."""
    listed = sorted(known)
    near = difflib.get_close_matches(name, listed, 3, 0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"there are: {', '.join(listed) or 'none'}"
