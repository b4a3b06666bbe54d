"""Polling stations that are made up, with their forms, as columns."""

import numpy as np
import numpy.typing as npt
import polars as pl

from app.election import Election
from app.loader.regions import KELURAHAN_DEPTH
from app.loader.situng import KINDS_ABROAD
from app.loader.stations import INVALID, PLACE, REGISTERED, TIME, UNKNOWN, VALID, VOTERS, columns_of

EACH, OF_EACH_KIND = 10, 2
"""So many a kelurahan has; and abroad, so many of each kind a mission has."""

NOT_ADDING_UP, TOO_MANY, FEW_REGISTERED, ZEROS, A_DIGIT_MORE = 0.017, 0.005, 0.001, 0.001, 0.001
UNREGISTERED, TIMELESS = 0.01, 0.001
"""How often a form is odd in which way: about as often as in the tables of 2019, or more."""

ONE_HALF = 0.11
"""How often votes are there without the rest of a form, and as often the rest without votes, where that may be."""

MEDIAN_SECONDS = 30 * 3600
"""After the site opened, half of the forms are in."""

REGISTERED_MEAN, REGISTERED_SPREAD, MOST_REGISTERED = 250, 50, 300

ALIKE = 20
"""How much alike polling stations vote: the more, the more."""

Figures = dict[str, npt.NDArray[np.int64]]


def make_stations(
    election: Election, regions: pl.DataFrame, count: int, entered: float, chance: np.random.Generator
) -> pl.DataFrame:
    """The table of polling stations.

    Args:
        election: Whose columns it has.
        regions: The made-up regions.
        count: How many polling stations there are at home; some more are abroad.
        entered: The share of them whose forms have come, the earliest first.
        chance: What decides.
    """
    places = _places(election, regions, count)
    figures = _figures(election, len(places), chance)
    table = places.with_columns(**{name: pl.Series(values) for name, values in figures.items()})
    columns = columns_of(election)
    came = table[TIME].rank("ordinal") <= round(entered * len(table))
    halves = np.where(chance.random((2, len(table))) < ONE_HALF, 1, 0) if columns.apart else np.zeros((2, len(table)))
    there = [pl.Series(halves[1] == 0) & came, pl.Series(halves[0] == 0) & came]
    timeless = pl.Series(chance.random(len(table)) < TIMELESS)
    return table.with_columns(
        *(pl.when(there[0]).then(pl.col(name)).alias(name) for name in columns.votes),
        *(pl.when(there[1]).then(pl.col(name)).alias(name) for name in columns.summary),
        pl.when(came & ~timeless).then(pl.col(TIME)).alias(TIME),
    ).select(columns.names)


def _places(election: Election, regions: pl.DataFrame, count: int) -> pl.DataFrame:
    """Where they are: kelurahan and number, those of a kelurahan together."""
    kelurahan = regions.filter(pl.col("depth") == KELURAHAN_DEPTH)
    at_home = kelurahan.filter(pl.col("id") > 0)["id"].to_numpy()
    missions = kelurahan.filter(pl.col("id") < 0)["id"].to_numpy()
    number = np.arange(count)
    kinds = [0] if election.is_sirekap else [begins for _, begins in KINDS_ABROAD]
    abroad = np.array([begins + each + 1 for begins in kinds for each in range(OF_EACH_KIND)])
    return pl.DataFrame(
        {
            PLACE[0]: np.concatenate([at_home[number // EACH], np.repeat(missions, len(abroad))]),
            PLACE[1]: np.concatenate([number % EACH + 1, np.tile(abroad, len(missions))]),
        }
    )


def _figures(election: Election, count: int, chance: np.random.Generator) -> Figures:
    """What the forms would say if all had come."""
    registered = np.clip(chance.normal(REGISTERED_MEAN, REGISTERED_SPREAD, count).astype(np.int64), 1, MOST_REGISTERED)
    men = chance.binomial(registered, 0.5)
    voters = chance.binomial(registered, 0.82)
    invalid = chance.binomial(voters, 0.02)
    valid = voters - invalid
    everywhere = np.maximum(chance.dirichlet(np.full(len(election.candidates), 2.0)), 0.01)
    leaning = chance.dirichlet(everywhere * ALIKE, count)
    votes = chance.multinomial(valid, leaning).astype(np.int64)
    found = dict(zip(columns_of(election).votes, votes.T, strict=True))
    found |= {VALID: valid, INVALID: invalid, VOTERS: voters}
    found |= {REGISTERED[0]: men, REGISTERED[1]: registered - men}
    found |= _administration(men, registered - men, voters, chance) if election.is_sirekap else {}
    _make_odd(found, columns_of(election).votes, chance)
    opens = int(election.opens.timestamp())
    return {**found, TIME: opens + (MEDIAN_SECONDS * chance.lognormal(0, 1, count)).astype(np.int64)}


def _administration(
    men: npt.NDArray[np.int64], women: npt.NDArray[np.int64], voters: npt.NDArray[np.int64], chance: np.random.Generator
) -> Figures:
    """What a form of 2024 says beside: who came, by how they were registered, men and women."""
    moved, unlisted = chance.binomial(voters, 0.01), chance.binomial(voters, 0.01)
    listed = np.maximum(voters - moved - unlisted, 0)
    found: Figures = {"suara_total": voters, "pemilih_dpt_j": men + women}
    whole = {"pengguna_dpt": listed, "pengguna_dptb": moved, "pengguna_non_dpt": unlisted}
    halves = {name: chance.binomial(each, 0.5) for name, each in whole.items()}
    for name, each in whole.items():
        found |= {f"{name}_j": each, f"{name}_l": halves[name], f"{name}_p": each - halves[name]}
    came_men = np.sum(list(halves.values()), axis=0)
    return {**found, "pengguna_total_l": came_men, "pengguna_total_p": voters - came_men}


def _make_odd(figures: Figures, votes: tuple[str, ...], chance: np.random.Generator) -> None:
    count = len(figures[VALID])

    def some(share: float) -> npt.NDArray[np.bool_]:
        return chance.random(count) < share

    figures[votes[0]] = figures[votes[0]] + np.where(some(NOT_ADDING_UP), chance.integers(1, 20, count), 0)
    figures[VOTERS] = np.where(some(TOO_MANY), figures[VOTERS] // 2, figures[VOTERS])
    figures[votes[-1]] = np.where(some(A_DIGIT_MORE), figures[votes[-1]] * 10, figures[votes[-1]])
    nothing, unknown, few = some(ZEROS), some(UNREGISTERED), some(FEW_REGISTERED)
    for name in (*votes, VALID, INVALID):
        figures[name] = np.where(nothing, 0, figures[name])
    for name in REGISTERED:
        figures[name] = np.where(unknown, UNKNOWN, np.where(few, figures[name] // 10, figures[name]))
