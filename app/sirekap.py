"""The 2024 layout (Sirekap's): where each file is, as clients of 2024 ask for it.

Regions are named by their official codes, each beginning with that of the region above it.
"""

from app.election import CODE, Election
from app.layout import dump, local_time

CODE_DIGITS = (0, 2, 4, 6, 10, 13)
"""Of a region's code, by its depth; the last are a polling station's."""

REGULAR = "Reguler"
"""What the layout says of votes that are not a repeated or a later poll (PSU)."""

IMAGES = 3
"""So many scans a polling station has; none of them is published here."""

_STATION = rf"(?:/\d{{{CODE_DIGITS[5]}}})?"


def _below(depth: int, innermost: str) -> str:
    """The pattern of codes from a province down, each only below another."""
    return rf"(?:/\d{{{CODE_DIGITS[depth]}}}{_below(depth + 1, innermost) if depth < 4 else innermost})?"  # noqa: PLR2004


PATTERNS = (
    rf"/wilayah/pemilu/{CODE}(?:/0|(?!\.){_below(1, '')})\.json",
    rf"/pemilu/hhcw/{CODE}{_below(1, _STATION)}\.json",
    rf"/pemilu/{CODE}\.json",
)
"""The addresses of the layout's files."""


def candidates_file(election: str) -> str:
    """The file that names the candidates."""
    return f"pemilu/{election}.json"


def candidates_body(election: Election) -> bytes:
    """What the candidates are called."""
    ts = local_time(election.opens)
    return dump(
        {
            each.key: {"ts": ts, "nama": each.name, "warna": each.colour, "nomor_urut": each.number}
            for each in election.candidates
        }
    )
