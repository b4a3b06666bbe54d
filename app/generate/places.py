"""Regions that are made up: provinces, kabupaten, kecamatan, kelurahan, and as many levels abroad."""

from dataclasses import astuple, dataclass

import numpy as np
import polars as pl

from app.election import Election
from app.loader.regions import NATION
from app.sirekap import CODE_DIGITS

PARTS = (14, 14, 12)
"""So many parts a province, a kabupaten and a kecamatan have."""

COUNTRIES = 3
FIRST_PROVINCE, ABROAD_CODE, FIRST_ABROAD = 11, "99", 10**6
MOST_KELURAHAN = (99 - FIRST_PROVINCE) * PARTS[0] * PARTS[1] * PARTS[2]
"""More provinces have no code of two digits."""

SYLLABLES = ("ba", "da", "ga", "ka", "la", "ma", "na", "pa", "ra", "sa", "ta", "wa", "bu", "lu", "ti", "ri", "ng", "n'")
SHARES_A_NAME = 0.01
"""How often a part is called as the one before it."""


@dataclass(frozen=True)
class Place:
    """A row of the table of regions."""

    id: int
    parent_id: int | None
    depth: int
    name: str
    code: str


def make_places(election: Election, kelurahan: int, chance: np.random.Generator) -> pl.DataFrame:
    """The tree, level after level, so that parents come before children.

    Args:
        election: Whose region abroad it has.
        kelurahan: How many there are at home.
        chance: What decides.
    """
    counts = [kelurahan]
    for each in reversed(PARTS):
        counts.insert(0, -(-counts[0] // each))
    nation = Place(NATION, None, 0, election.nation.upper(), "")
    places, above, abroad = [nation], [nation], [nation]
    for depth, count in enumerate(counts, 1):
        each = PARTS[depth - 2] if depth > 1 else count
        parents = [above[number // each] for number in range(count)]
        parts = [number % each + (1 if depth > 1 else FIRST_PROVINCE) for number in range(count)]
        above = _level(parents, parts, len(places), chance)
        abroad = _level_abroad(election, abroad, len(places) + count, chance)
        places += [*above, *abroad]
    return pl.DataFrame([astuple(place) for place in places], list(Place.__annotations__), orient="row")


def _level(parents: list[Place], parts: list[int], first_id: int, chance: np.random.Generator) -> list[Place]:
    level: list[Place] = []
    for number, (parent, part) in enumerate(zip(parents, parts, strict=True)):
        twin = level and level[-1].parent_id == parent.id and chance.random() < SHARES_A_NAME
        name = level[-1].name if twin else _name(chance)
        level.append(Place(first_id + number, parent.id, parent.depth + 1, name, _code(parent, part)))
    return level


def _level_abroad(election: Election, above: list[Place], first_id: int, chance: np.random.Generator) -> list[Place]:
    """Abroad itself, then countries, and of each one city with one mission."""
    if above[0].id == NATION:
        return [Place(election.abroad, NATION, 1, "Luar Negeri", ABROAD_CODE)]
    is_country = above[0].id == election.abroad
    parents = above * COUNTRIES if is_country else above
    return [
        Place(-(FIRST_ABROAD + first_id + number), parent.id, parent.depth + 1, _name(chance), _code(parent, part))
        for number, parent in enumerate(parents)
        for part in [number + 1 if is_country else 1]
    ]


def _code(parent: Place, part: int) -> str:
    return f"{parent.code}{part:0{CODE_DIGITS[parent.depth + 1] - len(parent.code)}}"


def _name(chance: np.random.Generator) -> str:
    words = ("".join(chance.choice(SYLLABLES, chance.integers(2, 5))) for _ in range(chance.integers(1, 3)))
    return " ".join(words).upper()
