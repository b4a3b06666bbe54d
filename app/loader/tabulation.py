"""Adding up: from the polling stations to the nation, a level at a time."""

import polars as pl

from app.forms import CANDIDATES, MORE_THAN_REGISTERED, TIMES_REGISTERED, Rule
from app.layout import ABROAD
from app.loader.regions import KELURAHAN_DEPTH
from app.loader.stations import FIGURES, REGISTERED

VOTES = FIGURES[: len(CANDIDATES)]
VALID, INVALID, VOTERS = FIGURES[len(CANDIDATES) :]
RULES = {rule: f"rule_{rule.value}" for rule in Rule}
"""The column that says of a polling station whether its form fails a rule, and of a region how many do."""

COUNTS = ("stations", "entered", "remarked", *RULES.values(), *VOTES)
"""What is added up of a region: its polling stations, of these those with figures, those whose form fails any rule, and
each rule; and the votes."""


def with_flags(stations: pl.DataFrame) -> pl.DataFrame:
    """Say of each polling station whether it has figures, and which rules they fail; and how many are registered.

    `Form.remarks` says the same of one form.
    """
    entered, total = pl.col(VALID).is_not_null(), pl.col(VALID) + pl.col(INVALID)
    fails = {
        Rule.SUM: pl.sum_horizontal(VOTES) != pl.col(VALID),
        Rule.VOTERS: total > pl.col(VOTERS),
        Rule.REGISTERED: total > pl.col("registered") * TIMES_REGISTERED + MORE_THAN_REGISTERED,
        Rule.NO_VOTES: (total == 0) & (pl.sum_horizontal(VOTES) == 0),
    }
    return (
        stations.with_columns(registered=_registered())
        .with_columns(entered=entered, **{RULES[rule]: entered & fails[rule].fill_null(value=False) for rule in Rule})
        .with_columns(remarked=pl.any_horizontal(RULES.values()))
    )


def _registered() -> pl.Expr:
    """The registered voters; null where one of both figures isn't known or there are none, and abroad (negative ids).

    Nobody opens a polling station without a voter on its list: such a figure is one that is missing.
    Abroad, one register is for the polling stations, the post and the boxes of a place together.
    """
    known = pl.all_horizontal(pl.col(REGISTERED) >= 0) & (pl.col("kelurahan_id") >= 0)
    count = pl.sum_horizontal(REGISTERED)
    return pl.when(known & (count > 0)).then(count)


def add_up(stations: pl.DataFrame, regions: pl.DataFrame) -> list[pl.DataFrame]:
    """The levels of the tree, the nation first.

    Args:
        stations: The polling stations, with flags.
        regions: See `app.loader.regions.SCHEMA`.

    Returns:
        A table a level, a row a region in their order: `id`, `parent_id` (null of the nation), `name`, `path`
        (text: the ids from the province down), `abroad`, and the columns of COUNTS.
    """
    known = regions.with_columns(abroad=pl.col("id") == ABROAD)
    levels = [known.filter(pl.col("depth") == depth).drop("depth") for depth in range(KELURAHAN_DEPTH + 1)]
    counts = stations.group_by("kelurahan_id").agg(
        pl.len().cast(pl.Int64).alias("stations"),
        pl.col("entered", "remarked", *RULES.values()).sum().cast(pl.Int64),
        pl.col(VOTES).sum(),
    )
    found = [_counted(levels[KELURAHAN_DEPTH], counts.rename({"kelurahan_id": "id"}))]
    for level in reversed(levels[:KELURAHAN_DEPTH]):
        below = found[-1].group_by("parent_id").agg(pl.col(COUNTS).sum())
        found.append(_counted(level, below.rename({"parent_id": "id"})))
    return found[::-1]


def _counted(level: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    return level.join(counts, on="id", how="left", maintain_order="left").with_columns(pl.col(COUNTS).fill_null(0))
