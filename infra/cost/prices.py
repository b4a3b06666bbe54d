"""The prices that everything here is computed with: prices.toml, each with its date, its source and how sure it is."""

import datetime as dt
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from infra.bridge.errors import OperatorError
from infra.bridge.files import read_utf8
from infra.cost.instances import family_and_factor

PRICES_FILE = Path(__file__).with_name("prices.toml")
EVERYWHERE = "global"
"""The region of what has one price, or no region."""

Confidence = Literal["checked", "quoted", "derived", "belief"]
"""`checked`: read on the page of `source`. `quoted`: AWS's price list as others published it. `derived`: computed from
one of these. `belief`: to be checked before money is committed."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Tier(_Entry):
    """A part of a month's quantity that has a price of its own.

    Args:
        up_to: Where it ends, counted from the month's first; None for the last one.
        usd: USD for a unit.
    """

    up_to: float | None = Field(default=None, gt=0)
    usd: float = Field(ge=0)


class Price(_Entry):
    """What a unit of something costs.

    Args:
        key: What it is the price of.
        region: The AWS region, or `global`.
        unit: What it is the price for.
        usd: USD for a unit, if that is the same for every quantity.
        tiers: USD for a unit by quantity, if it is not.
        date: The day that the price is of.
        source: Where it is from.
        confidence: How we know it.
        note: What else one should know.
    """

    key: str = Field(pattern=r"^[a-z0-9_.]+$")
    region: str
    unit: str
    usd: float | None = Field(default=None, ge=0)
    tiers: Annotated[tuple[Tier, ...], Field(strict=False)] = ()
    date: dt.date
    source: str = Field(min_length=1)
    confidence: Confidence
    note: str = ""

    @model_validator(mode="after")
    def _is_one_price(self) -> "Price":
        if (self.usd is None) == (not self.tiers):
            raise ValueError("needs either usd or tiers")
        ends = [tier.up_to for tier in self.tiers]
        known = [end for end in ends if end is not None]
        if ends and (ends[-1] is not None or len(known) != len(ends) - 1 or known != sorted(set(known))):
            raise ValueError("tiers must go up, and only the last one has no up_to")
        return self

    def cost(self, quantity: float) -> float:
        """What a quantity of it costs in a month, in USD."""
        if self.usd is not None:
            return quantity * self.usd
        total, begin = 0.0, 0.0
        for tier in self.tiers:
            end = quantity if tier.up_to is None else min(quantity, tier.up_to)
            total += max(0.0, end - begin) * tier.usd
            begin = max(begin, end)
        return total

    @property
    def per_unit(self) -> str:
        """USD for a unit, for people."""
        if self.usd is not None:
            return f"{self.usd:g}"
        return f"{self.tiers[0].usd:g} to {self.tiers[-1].usd:g}"


class _File(_Entry):
    price: Annotated[tuple[Price, ...], Field(strict=False)]


@dataclass(frozen=True)
class PriceList:
    """All prices.

    Args:
        prices: Each once.
    """

    prices: tuple[Price, ...]

    def find(self, key: str, region: str = EVERYWHERE) -> Price:
        """The price of something in a region.

        Raises:
            OperatorError: It isn't listed.
        """
        for price in self.prices:
            if (price.key, price.region) == (key, region):
                return price
        raise OperatorError(
            f"infra/cost/prices.toml has no price '{key}' for {region}, so nobody can say what this stack costs",
            next_command="$EDITOR infra/cost/prices.toml",
        )

    def of_instance(self, instance_type: str, region: str) -> Price:
        """The price of an hour of an instance; sizes that aren't listed are derived from the family's xlarge.

        Raises:
            OperatorError: The family isn't listed for that region.
        """
        family, factor = family_and_factor(instance_type)
        base = self.find(f"instance.{family}.xlarge", region)
        if factor == 1:
            return base
        changes = {"key": f"instance.{instance_type}", "usd": (base.usd or 0) * factor, "confidence": "derived"}
        return base.model_copy(update={**changes, "note": f"{factor:g} times {family}.xlarge"})


def read_prices(text: str) -> PriceList:
    """Read a price list.

    Raises:
        OperatorError: Something in it doesn't fit, or is there twice.
    """
    try:
        prices = TypeAdapter(_File).validate_python(tomllib.loads(text)).price
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _unreadable(f"{where}: {first['msg'].removeprefix('Value error, ')}") from error
    repeated = _repeated((price.key, price.region) for price in prices)
    if repeated:
        raise _unreadable(f"{' of '.join(repeated[0])} is there twice")
    return PriceList(prices)


def _repeated(keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    return [key for key in keys if key in seen or seen.add(key)]


def _unreadable(why: str) -> OperatorError:
    return OperatorError(f"infra/cost/prices.toml: {why}", next_command="$EDITOR infra/cost/prices.toml")


@cache
def our_prices() -> PriceList:
    """The price list of this checkout."""
    return read_prices(read_utf8(PRICES_FILE))
