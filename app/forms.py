"""What a polling station's C1 form says, and where it contradicts itself."""

from dataclasses import dataclass
from enum import Enum

CANDIDATES = ("21", "22")
"""The candidate pairs' keys in the 2019 layout, in ballot order."""


class Contradiction(Enum):
    """A sum on the form that doesn't come out. It is shown beside the figures, which stay as they are."""

    VALID_VOTES = "valid_votes"
    """The candidates' votes don't add up to the valid votes."""

    TOTAL_VOTES = "total_votes"
    """Valid and invalid votes don't add up to all votes."""


@dataclass(frozen=True, slots=True)
class Form:
    """The figures of one C1 form, as entered.

    Args:
        votes: Votes of each candidate pair, in ballot order.
        valid: Valid votes (suara sah).
        invalid: Invalid votes (suara tidak sah).
        total: All votes (suara total).
    """

    votes: tuple[int, ...]
    valid: int
    invalid: int
    total: int

    def contradictions(self) -> tuple[Contradiction, ...]:
        """The sums that don't come out, none for most forms."""
        found: list[Contradiction] = []
        if sum(self.votes) != self.valid:
            found.append(Contradiction.VALID_VOTES)
        if self.valid + self.invalid != self.total:
            found.append(Contradiction.TOTAL_VOTES)
        return tuple(found)
