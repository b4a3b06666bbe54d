"""What a polling station's C1 form says, and where it contradicts itself."""

from dataclasses import dataclass
from enum import Enum

CANDIDATES = ("21", "22")
"""The candidate pairs' keys in the 2019 layout, in ballot order."""


class Contradiction(Enum):
    """What on the form can't be. It is shown beside the figures, which stay as they are."""

    VALID_VOTES = "valid_votes"
    """The candidates' votes don't add up to the valid votes."""

    VOTERS = "voters"
    """There are more votes, valid and invalid, than voters who came."""


@dataclass(frozen=True, slots=True)
class Form:
    """The figures of one C1 form, as entered.

    Args:
        votes: Votes of each candidate pair, in ballot order.
        valid: Valid votes (suara sah).
        invalid: Invalid votes (suara tidak sah).
        voters: Voters who came (pengguna hak pilih).
    """

    votes: tuple[int, ...]
    valid: int
    invalid: int
    voters: int

    @property
    def total(self) -> int:
        """All votes (suara total). Situng's form has a field for it, which the tables don't have."""
        return self.valid + self.invalid

    def contradictions(self) -> tuple[Contradiction, ...]:
        """What can't be, nothing for most forms."""
        found: list[Contradiction] = []
        if sum(self.votes) != self.valid:
            found.append(Contradiction.VALID_VOTES)
        if self.total > self.voters:
            found.append(Contradiction.VOTERS)
        return tuple(found)
