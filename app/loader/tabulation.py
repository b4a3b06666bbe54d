"""Adding up: from the polling stations to the nation, a level at a time."""

from collections.abc import Sequence

import polars as pl

from app.election import Election
from app.forms import MORE_THAN_REGISTERED, TIMES_REGISTERED, Rule
from app.loader.regions import KELURAHAN_DEPTH, kelurahan_abroad
from app.loader.stations import INVALID, REGISTERED, VALID, VOTERS, Columns, columns_of

RULES = {rule: f"rule_{rule.value}" for rule in Rule}
"""The column that says of a polling station whether its form fails a rule, and of a region how many do."""


def counts_of(columns: Columns) -> tuple[str, ...]:
    """What is added up of a region: polling stations, those with votes, those with remarks, and of each rule; votes."""
    return ("stations", "entered", "remarked", *RULES.values(), *columns.votes)


def with_flags(stations: pl.DataFrame, regions: pl.DataFrame, election: Election) -> pl.DataFrame:
    """Say of each polling station whether it has votes, and which rules its figures fail; and how many are registered.

    `Form.remarks` says the same of one form.
    """
    columns = columns_of(election)
    entered, total = pl.col(columns.votes[0]).is_not_null(), pl.col(VALID) + pl.col(INVALID)
    votes = pl.sum_horizontal(columns.votes)
    fails = {
        Rule.SUM: votes != pl.col(VALID),
        Rule.VOTERS: total > pl.col(VOTERS),
        Rule.REGISTERED: total > pl.col("registered") * TIMES_REGISTERED + MORE_THAN_REGISTERED,
        Rule.NO_VOTES: (total == 0) & (votes == 0),
    }
    return (
        stations.with_columns(registered=_registered(kelurahan_abroad(regions, election)))
        .with_columns(entered=entered, **{RULES[rule]: entered & fails[rule].fill_null(value=False) for rule in Rule})
        .with_columns(remarked=pl.any_horizontal(RULES.values()))
    )


def _registered(abroad: pl.Series) -> pl.Expr:
    """The registered voters; null where one of both figures isn't known or there are none, and abroad.

    Nobody opens a polling station without a voter on its list: such a figure is one that is missing.
    Abroad, one register is for the polling stations, the post and the boxes of a place together.
    """
    known = pl.all_horizontal(pl.col(REGISTERED) >= 0) & ~pl.col("kelurahan_id").is_in(abroad.implode())
    count = pl.sum_horizontal(REGISTERED)
    return pl.when(known & (count > 0)).then(count)


def add_up(stations: pl.DataFrame, regions: pl.DataFrame, election: Election) -> list[pl.DataFrame]:
    """The levels of the tree, the nation first.

    Args:
        stations: The polling stations, with flags.
        regions: See `app.loader.regions.SCHEMA`.
        election: The one that they are of.

    Returns:
        A table a level, a row a region in their order: the columns of the regions without their depth, `abroad`, and
        what `counts_of` names.
    """
    columns = columns_of(election)
    added = counts_of(columns)
    known = regions.with_columns(abroad=pl.col("id") == election.abroad)
    levels = [known.filter(pl.col("depth") == depth).drop("depth") for depth in range(KELURAHAN_DEPTH + 1)]
    counts = stations.group_by("kelurahan_id").agg(
        pl.len().cast(pl.Int64).alias("stations"),
        pl.col("entered", "remarked", *RULES.values()).sum().cast(pl.Int64),
        pl.col(columns.votes).sum(),
    )
    found = [_counted(levels[KELURAHAN_DEPTH], counts.rename({"kelurahan_id": "id"}), added)]
    for level in reversed(levels[:KELURAHAN_DEPTH]):
        below = found[-1].group_by("parent_id").agg(pl.col(added).sum())
        found.append(_counted(level, below.rename({"parent_id": "id"}), added))
    return found[::-1]


def with_votes_of_entered(election: Election, regions: pl.DataFrame) -> pl.DataFrame:
    """Regions in which nothing is entered have no votes, which is not the same as none."""
    return regions.with_columns(pl.when(pl.col("entered") > 0).then(pl.col(columns_of(election).votes)))


def _counted(level: pl.DataFrame, counts: pl.DataFrame, added: Sequence[str]) -> pl.DataFrame:
    return level.join(counts, on="id", how="left", maintain_order="left").with_columns(pl.col(added).fill_null(0))
