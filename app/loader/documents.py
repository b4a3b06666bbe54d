"""The documents of the layout, as columns of addresses and bodies: all of them, or those of what has changed."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from app import layout
from app.forms import CANDIDATES, Rule
from app.loader.packing import Documents
from app.loader.regions import KELURAHAN_DEPTH
from app.loader.tabulation import INVALID, RULES, VALID, VOTERS, VOTES

NOTHING_ENTERED = "{}"
"""A polling station without figures: an answer, not an error."""

KINDS_ABROAD = (("TPS", 0), ("POS", 1000), ("KSK", 2000))
"""Abroad, votes also come by post and in travelling boxes: such a one's number in the tables begins after this."""

_WIB_SECONDS = 7 * 3600


@dataclass(frozen=True)
class Changed:
    """What may have other documents than before.

    Args:
        stations: The ids of polling stations.
        regions: The ids of regions: their kelurahan, and whatever these are a part of.
    """

    stations: pl.Series
    regions: pl.Series


def stamp(as_of: dt.datetime) -> str:
    """How the count of every region begins: with the snapshot's time."""
    return f'{{"ts":"{layout.local_time(as_of)}"'


def documents(
    stations: pl.DataFrame,
    levels: Sequence[pl.DataFrame],
    as_of: dt.datetime,
    version: bytes,
    changed: Changed | None = None,
) -> Iterator[Documents]:
    """Every document of a snapshot, or those of what has changed, kind after kind.

    Args:
        stations: The polling stations, with flags.
        levels: The regions of each level, the nation first, with their counts.
        as_of: The snapshot's time.
        version: The document that says it.
        changed: What has changed since another snapshot of the same regions and polling stations; None for everything.
    """
    kelurahan = levels[KELURAHAN_DEPTH]
    yield Documents(_forms(_among(stations, "id", changed and changed.stations), kelurahan, as_of))
    regions = changed and changed.regions
    concerned = _among(stations, "kelurahan_id", regions)
    yield Documents(_progress_of_kelurahan(concerned, _among(kelurahan, "id", regions)))
    parts = _stations_by_kelurahan(concerned, kelurahan)
    for level in reversed(levels):
        told = (
            _among(level, "id", regions)
            .join(parts, left_on="id", right_on="parent_id", how="left", maintain_order="left")
            .with_columns(pl.col("table", "names", "progress").fill_null(""))
        )
        yield Documents(_counts(told), stamped=True)
        yield Documents(_names(told))
        yield Documents(_names(told.filter("abroad")).with_columns(address=pl.lit(f"/{layout.ABROAD_NAMES}")))
        if level is not kelurahan:
            yield Documents(_progress(told))
        if level is not levels[0]:  # the nation is no part of anything
            parts = _regions_by_parent(_among(level, "parent_id", regions))
    fixed = {layout.CANDIDATE_NAMES: layout.dump(layout.NAMES), layout.VERSION: version}
    bodies = [body.decode() for body in fixed.values()]
    yield Documents(pl.DataFrame({"address": [f"/{path}" for path in fixed], "body": bodies}))


def _among(table: pl.DataFrame, column: str, ids: pl.Series | None) -> pl.DataFrame:
    return table if ids is None else table.filter(pl.col(column).is_in(ids.implode()))


def _forms(stations: pl.DataFrame, kelurahan: pl.DataFrame, as_of: dt.datetime) -> pl.DataFrame:
    paths = kelurahan.select(kelurahan_id="id", path="path")
    time = pl.col("time").fill_null(int(as_of.timestamp())) + _WIB_SECONDS
    body = _joined(
        '{"pemilih_j":null,"suara_sah":', _number(VALID),
        ',"ts":"', (time * 1000).cast(pl.Datetime("ms")).dt.strftime(layout.TIME_FORMAT),
        '","chart":', _votes(),
        ',"suara_tidak_sah":', _number(INVALID),
        ',"suara_total":', (pl.col(VALID) + pl.col(INVALID)).cast(pl.String),
        ',"images":[],"pengguna_j":', _number(VOTERS), "}",
    )  # fmt: skip
    return stations.join(paths, on="kelurahan_id", how="left", maintain_order="left").select(
        address=_joined(
            f"/{layout.count_file(())}".removesuffix(".json"), "/", pl.col("path"), "/", _number("id"), ".json"
        ),
        body=pl.when("entered").then(body).otherwise(pl.lit(NOTHING_ENTERED)),
    )


def _progress_of_kelurahan(stations: pl.DataFrame, kelurahan: pl.DataFrame) -> pl.DataFrame:
    """The progress of each kelurahan; of its polling stations, those of which there is something to say."""
    without_time = pl.col("entered") & pl.col("time").is_null()
    failed = [pl.when(column).then(pl.lit(f'"{rule.value}"')) for rule, column in RULES.items()]
    note = _joined(
        _key(), '{"catatan":[', pl.concat_str(failed, separator=",", ignore_nulls=True), "]",
        pl.when(RULES[Rule.REGISTERED]).then(_joined(',"terdaftar":', _number("registered"))).otherwise(pl.lit("")),
        pl.when(without_time).then(pl.lit(',"foto_pertama":null')).otherwise(pl.lit("")), "}",
    )  # fmt: skip
    of_some = stations.filter(pl.col("remarked") | without_time)
    notes = of_some.group_by("kelurahan_id", maintain_order=True).agg(progress=_listed(note))
    of_all = kelurahan.join(notes, left_on="id", right_on="kelurahan_id", how="left", maintain_order="left")
    return _progress(of_all.with_columns(pl.col("progress").fill_null("")))


def _stations_by_kelurahan(stations: pl.DataFrame, kelurahan: pl.DataFrame) -> pl.DataFrame:
    """What the documents of each kelurahan say of its polling stations."""
    abroad = kelurahan.filter(pl.col("path").str.starts_with(f"{layout.ABROAD}/"))["id"].implode()
    number = pl.col("number")
    name = pl.when(~pl.col("kelurahan_id").is_in(abroad)).then(_joined("TPS ", _number("number")))
    for kind, begins in reversed(KINDS_ABROAD):
        name = name.when(number > begins).then(_joined(f"{kind} ", (number - begins).cast(pl.String)))
    return stations.group_by(pl.col("kelurahan_id").alias("parent_id")).agg(
        table=_listed(_joined(_key(), _votes())),
        names=_listed(_joined(_key(), '{"nama":"', name, '"}')),
        progress=pl.lit(""),
    )


def _regions_by_parent(level: pl.DataFrame) -> pl.DataFrame:
    """What the documents of each region say of what it consists of; abroad is last, and marked with a plus."""
    quoted = [json.dumps(name, ensure_ascii=False)[1:-1] for name in level["name"]]
    named = level.with_columns(
        pl.when(pl.col("entered") > 0).then(pl.col(VOTES)), quoted=pl.Series(quoted, dtype=pl.String)
    )
    name = _joined(
        _key(), '{"nama":"', pl.when("abroad").then(pl.lit("+")).otherwise(pl.lit("")), pl.col("quoted"), '"}'
    )
    progress = _joined(_key(), "{", *_counted(), "}")
    return (
        named.sort("abroad", maintain_order=True)
        .group_by("parent_id")
        .agg(table=_listed(_joined(_key(), _votes())), names=_listed(name), progress=_listed(progress))
    )


def _counts(regions: pl.DataFrame) -> pl.DataFrame:
    of_entered = regions.with_columns(pl.when(pl.col("entered") > 0).then(pl.col(VOTES)))
    return of_entered.select(
        address=_address(layout.count_file(()).as_posix().removesuffix(".json"), ""),
        body=_joined(
            ',"progress":{"total":', _number("stations"),
            ',"proses":', _number("entered"),
            '},"table":{', pl.col("table"),
            '},"chart":', _votes(), "}",
        ),
    )  # fmt: skip


def _names(regions: pl.DataFrame) -> pl.DataFrame:
    folder = layout.names_file(()).parent.as_posix()
    return regions.select(address=_address(folder, "/0"), body=_joined("{", pl.col("names"), "}"))


def _progress(regions: pl.DataFrame) -> pl.DataFrame:
    folder = layout.progress_file(()).as_posix().removesuffix(".json")
    body = _joined('{"progress":{', *_counted(), '},"table":{', pl.col("progress"), "}}")
    return regions.select(address=_address(folder, ""), body=body)


def _counted() -> tuple[str | pl.Expr, ...]:
    """A region's progress, and how many of its forms fail any rule, and each."""
    rules = (part for rule, column in RULES.items() for part in (f',"{rule.value}":', _number(column)))
    return (
        '"total":', _number("stations"), ',"proses":', _number("entered"),
        ',"catatan":{"formulir":', _number("remarked"), *rules, "}",
    )  # fmt: skip


def _address(folder: str, of_nation: str) -> pl.Expr:
    path = pl.when(pl.col("path") == "").then(pl.lit(of_nation)).otherwise(pl.lit("/") + pl.col("path"))
    return _joined(pl.lit(f"/{folder}"), path, pl.lit(".json"))


def _votes() -> pl.Expr:
    """The votes by the candidates' keys."""
    parts: list[str | pl.Expr] = []
    for key, votes in zip(CANDIDATES, VOTES, strict=True):
        parts += [f'{"," if parts else "{"}"{key}":', _number(votes)]
    return _joined(*parts, "}")


def _key() -> pl.Expr:
    return _joined('"', _number("id"), '":')


def _number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("null")


def _joined(*parts: str | pl.Expr) -> pl.Expr:
    """Text made of expressions and of what stands between them."""
    return pl.concat_str([part if isinstance(part, pl.Expr) else pl.lit(part) for part in parts])


def _listed(entries: pl.Expr) -> pl.Expr:
    return entries.str.join(",")
