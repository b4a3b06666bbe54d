"""Where it is kept what a snapshot was made of, and by which digests it is known.

For tasks too, which do without the libraries that tables take: loading these is a fifth of a tick.
"""

import hashlib
from functools import cache
from pathlib import Path

MADE, CHANGES = ".made", "changes.json"
"""The folder in the snapshot's; in it, what it has otherwise than the one of which it was made."""

_PROJECT = Path(__file__).resolve().parents[2]
_CODE = ("app/loader", "app/election.py", "app/layout.py", "app/sirekap.py", "app/forms.py", "app/pack.py")


@cache
def code_digest() -> str:
    """The digest of what decides, with the source, how a snapshot comes out."""
    digest = hashlib.sha256()
    for part in _CODE:
        for file in sorted((_PROJECT / part).rglob("*.py")) or [_PROJECT / part]:
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """A file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
