"""Whether a canary is worse than the others, told from pairs of the same request, with stated risks of being wrong.

A pair is one request that both were asked at about the same time; what matters of it is whether the canary lost it
(failed what the other answered, or was much slower), the other did, or neither.

- *Worse* is a sign test over the pairs that one of them lost, the exact form of McNemar's test (McNemar 1947,
  Psychometrika 12, 153-157): where both are the same, each is as likely to be the loser, whatever their common error
  rate, latency or load. So equal servers are called worse in `FALSE_ALARM` of the rollouts at most, all comparisons of
  one gate together. What is allowed is never called worse: the difference seen must be larger too.
- *Fine* needs the opposite shown: a confidence bound above the difference that is below what is allowed. It is that of
  the canary's losses minus that of the other's (Clopper and Pearson 1934, Biometrika 26, 404-413, each with half of the
  risk, so that it holds however the two depend on each other). A canary that is worse by what is allowed, or more, is
  called fine in `MISSED` of the rollouts at most; one that is four times as bad is called worse.
- Neither shown: nobody can tell from so few pairs.

Both hold for any number of pairs; with `pairs_needed` a canary without fault is found fine, even with `STRAYS` of its
own.
"""

import math
from dataclasses import dataclass
from typing import Literal

FALSE_ALARM = 0.01
COMPARISONS = 2
"""Of one gate: failures and latency. Each has its part of `FALSE_ALARM`."""

MISSED = 0.05
STRAYS = 2
PRECISION = 1e-15

Finding = Literal["worse", "fine", "unknown"]


@dataclass(frozen=True)
class Losses:
    """Who lost how many of the pairs.

    Args:
        pairs: That tell something.
        canary: That the canary lost.
        other: That the other lost; None if there is nothing to compare with.
    """

    pairs: int
    canary: int
    other: int | None

    @property
    def difference(self) -> float:
        """How much more of the pairs the canary lost, 0 to 1."""
        return (self.canary - (self.other or 0)) / self.pairs if self.pairs else 0.0

    @property
    def highest_difference(self) -> float:
        """What the difference may be at most, with the risk `MISSED` of being wrong."""
        risk = MISSED / 2
        return highest_share(self.canary, self.pairs, risk) - lowest_share(self.other or 0, self.pairs, risk)


def compare(losses: Losses, allowed: float) -> Finding:
    """What so many pairs show.

    Args:
        losses: Of the pairs.
        allowed: How much more of them a canary may lose, 0 to 1; with nothing to compare with, how many.
    """
    if losses.difference > allowed and _chance(losses, allowed) <= FALSE_ALARM / COMPARISONS:
        return "worse"
    return "fine" if losses.highest_difference < allowed else "unknown"


def pairs_needed(allowed: float) -> int:
    """How many pairs show that a canary which loses no more than `STRAYS` of them is fine.

    Args:
        allowed: How much more of them a canary may lose, more than 0.
    """
    pairs = STRAYS + 1
    while at_most(STRAYS, pairs, allowed) >= MISSED / 2:
        pairs += 1
    return pairs


def at_most(count: int, of: int, share: float) -> float:
    """The chance of `count` or fewer hits in `of` tries that each hit with a chance of `share`."""
    if count < 0 or share >= 1:
        return float(count >= of)
    if count >= of or share <= 0:
        return 1.0
    if count > of * share:  # the other tail is the shorter sum
        return 1 - at_most(of - count - 1, of, 1 - share)
    ways = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    term = math.exp(ways + count * math.log(share) + (of - count) * math.log1p(-share))
    total = 0.0
    for hits in range(count, -1, -1):
        total += term
        term *= hits * (1 - share) / ((of - hits + 1) * share)
        if term < total * PRECISION:
            break
    return total


def highest_share(count: int, of: int, risk: float) -> float:
    """The share above which so few hits would have a chance of `risk` at most."""
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        low, high = (share, high) if at_most(count, of, share) > risk else (low, share)
    return high


def lowest_share(count: int, of: int, risk: float) -> float:
    """The share below which so many hits would have a chance of `risk` at most."""
    return 1 - highest_share(of - count, of, risk)


def _chance(losses: Losses, allowed: float) -> float:
    """The chance that so many losses come from servers that are the same; from one that loses what is allowed."""
    if losses.other is None:
        return 1 - at_most(losses.canary - 1, losses.pairs, allowed)
    return at_most(losses.other, losses.canary + losses.other, 0.5)
