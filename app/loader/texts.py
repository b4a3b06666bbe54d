"""JSON as columns of text: expressions for what documents consist of."""

import json

import polars as pl

from app import layout

WIB_SECONDS = 7 * 3600


def joined(*parts: str | pl.Expr) -> pl.Expr:
    """Text made of expressions and of what stands between them."""
    return pl.concat_str([part if isinstance(part, pl.Expr) else pl.lit(part) for part in parts])


def number(column: str) -> pl.Expr:
    """A column's numbers; null where there is none."""
    return pl.col(column).cast(pl.String).fill_null("null")


def listed(entries: pl.Expr) -> pl.Expr:
    """A group's entries after each other."""
    return entries.str.join(",")


def moment(seconds: pl.Expr) -> pl.Expr:
    """A time stamp of the count, of unix seconds."""
    return ((seconds + WIB_SECONDS) * 1000).cast(pl.Datetime("ms")).dt.strftime(layout.TIME_FORMAT)


def quoted(texts: pl.Series) -> pl.Series:
    """Texts as they stand between the quotation marks."""
    return pl.Series([json.dumps(text, ensure_ascii=False)[1:-1] for text in texts], dtype=pl.String)
