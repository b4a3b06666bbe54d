"""What is kept for all of a user's checkouts, outside of them."""

import os
from pathlib import Path


def user_cache() -> Path:
    """The folder; it need not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tegak"
