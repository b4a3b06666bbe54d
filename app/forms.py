"""What a polling station's C1 form says, and what a comparison of its figures finds."""

from dataclasses import dataclass
from enum import Enum

CANDIDATES = ("21", "22")
"""The candidate pairs' keys in the 2019 layout, in ballot order."""


class Rule(Enum):
    """A comparison that a form's figures don't pass, by its name in the published documents.

    What is found is told beside the figures, which stay as they are: it says nothing about why (docs/decisions/0070).
    """

    SUM = "jumlah_suara"
    """The candidates' votes don't add up to the valid votes."""

    VOTERS = "pengguna"
    """There are more votes, valid and invalid, than voters who came."""

    REGISTERED = "terdaftar"
    """There are far more votes than registered voters: see `TIMES_REGISTERED`."""

    NO_VOTES = "tanpa_suara"
    """There is not one vote on the form, whatever it says of voters."""


TIMES_REGISTERED, MORE_THAN_REGISTERED = 1.5, 10
"""There may be so many times as many votes as registered voters, and so many more, before it is remarked upon.

The margin is for voters who were registered elsewhere or not at all, who may vote too, and for the register itself,
which is not Situng's own (docs/decisions/0004).
"""


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

    def remarks(self, registered: int | None = None) -> tuple[Rule, ...]:
        """The rules that it doesn't pass; nothing for most forms.

        Args:
            registered: Voters on the polling station's list; None where that is not known, and abroad.
        """
        most = self.total if registered is None else TIMES_REGISTERED * registered + MORE_THAN_REGISTERED
        found = {
            Rule.SUM: sum(self.votes) != self.valid,
            Rule.VOTERS: self.total > self.voters,
            Rule.REGISTERED: self.total > most,
            Rule.NO_VOTES: not self.total and not any(self.votes),
        }
        return tuple(rule for rule, is_so in found.items() if is_so)
