"""What a polling station's form says, and what a comparison of its figures finds."""

from dataclasses import dataclass
from enum import Enum


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
    """The figures of one form, as entered; None what was not entered with the votes, as in 2024 for days.

    Args:
        votes: Votes of each candidate, in ballot order.
        valid: Valid votes (suara sah).
        invalid: Invalid votes (suara tidak sah).
        voters: Voters who came (pengguna hak pilih).
    """

    votes: tuple[int, ...]
    valid: int | None
    invalid: int | None
    voters: int | None

    @property
    def total(self) -> int | None:
        """All votes (suara total)."""
        return None if self.valid is None or self.invalid is None else self.valid + self.invalid

    def remarks(self, registered: int | None = None) -> tuple[Rule, ...]:
        """The rules that it doesn't pass; nothing for most forms.

        Args:
            registered: Voters on the polling station's list; None where that is not known, and abroad.
        """
        total = self.total
        found = {
            Rule.SUM: self.valid is not None and sum(self.votes) != self.valid,
            Rule.VOTERS: total is not None and self.voters is not None and total > self.voters,
            Rule.REGISTERED: total is not None
            and registered is not None
            and total > TIMES_REGISTERED * registered + MORE_THAN_REGISTERED,
            Rule.NO_VOTES: total == 0 and not any(self.votes),
        }
        return tuple(rule for rule, is_so in found.items() if is_so)
