"""A bill: items, each with its quantity, its price and where that is from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infra.cost.prices import EVERYWHERE, Price


@dataclass(frozen=True)
class Item:
    """A line of a bill.

    Args:
        where: The location's name, or `global`.
        name: What it is, for people.
        quantity: How much, in the price's units.
        price: The price of a unit.
    """

    where: str
    name: str
    quantity: float
    price: Price

    @property
    def usd(self) -> float:
        """What it costs."""
        return self.price.cost(self.quantity)

    @property
    def is_belief(self) -> bool:
        """Whether its price has to be checked before money is committed."""
        return self.price.confidence == "belief"


@dataclass(frozen=True)
class Bill:
    """What something costs.

    Args:
        items: Its lines.
    """

    items: tuple[Item, ...]

    @property
    def usd(self) -> float:
        """All of it."""
        return _sum(self.items)

    @property
    def believed_usd(self) -> float:
        """The part whose prices have to be checked."""
        return _sum(item for item in self.items if item.is_belief)

    def usd_of(self, where: str = EVERYWHERE) -> float:
        """What a location costs, or what all share."""
        return _sum(item for item in self.items if item.where == where)

    def usd_where(self, belongs: Callable[[Item], bool]) -> float:
        """What some of the items cost."""
        return _sum(item for item in self.items if belongs(item))

    @property
    def parts(self) -> dict[str, float]:
        """What it is made of, roughly, in USD: the same parts for every bill, in the same order."""
        return {name: self.usd_where(belongs) for name, belongs in PARTS.items()}


PARTS: dict[str, Callable[[Item], bool]] = {
    "answers sent": lambda item: item.price.key == "cdn.transfer",
    "requests": lambda item: item.price.key == "cdn.requests",
    "firewall": lambda item: item.price.key.startswith("waf."),
    "locations": lambda item: item.where != EVERYWHERE,
    "the rest": lambda item: item.where == EVERYWHERE and not item.price.key.startswith(("cdn.t", "cdn.r", "waf.")),
}
"""The parts of a bill; each item is in one of them."""


def _sum(items: Iterable[Item]) -> float:
    return sum(item.usd for item in items)
