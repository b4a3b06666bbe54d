"""The documents of the 2019 layout, as columns: see `app.layout`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import polars as pl

from app import layout
from app.election import Election
from app.forms import Rule
from app.loader.changed import Changed, among
from app.loader.packing import Documents
from app.loader.regions import KELURAHAN_DEPTH
from app.loader.stations import INVALID, VALID, VOTERS, columns_of
from app.loader.tabulation import RULES, with_votes_of_entered
from app.loader.texts import joined, listed, moment, number, quoted

NOTHING_ENTERED = "{}"
"""A polling station without figures: an answer, not an error."""

KINDS_ABROAD = (("TPS", 0), ("POS", 1000), ("KSK", 2000))
"""Abroad, votes also come by post and in travelling boxes: such a one's number in the tables begins after this."""


def situng_documents(
    election: Election,
    stations: pl.DataFrame,
    levels: Sequence[pl.DataFrame],
    as_of: dt.datetime,
    changed: Changed | None = None,
) -> Iterator[Documents]:
    """Every document of the layout but the two that are fixed: see `app.loader.documents.every_document`."""
    kelurahan = levels[KELURAHAN_DEPTH]
    yield Documents(_forms(election, among(stations, "id", changed and changed.stations), kelurahan, as_of))
    regions = changed and changed.regions
    concerned = among(stations, "kelurahan_id", regions)
    yield Documents(_progress_of_kelurahan(election, concerned, among(kelurahan, "id", regions)))
    parts = _stations_by_kelurahan(election, concerned, kelurahan)
    for level in reversed(levels):
        told = (
            among(level, "id", regions)
            .join(parts, left_on="id", right_on="parent_id", how="left", maintain_order="left")
            .with_columns(pl.col("table", "names", "progress").fill_null(""))
        )
        yield Documents(_counts(election, told), stamped=True)
        yield Documents(_names(told))
        yield Documents(_names(told.filter("abroad")).with_columns(address=pl.lit(f"/{layout.ABROAD_NAMES}")))
        if level is not kelurahan:
            yield Documents(_progress(election, told))
        if level is not levels[0]:  # the nation is no part of anything
            parts = _regions_by_parent(election, among(level, "parent_id", regions))


def _forms(election: Election, stations: pl.DataFrame, kelurahan: pl.DataFrame, as_of: dt.datetime) -> pl.DataFrame:
    paths = kelurahan.select(kelurahan_id="id", path="path")
    body = joined(
        '{"pemilih_j":null,"suara_sah":', number(VALID),
        ',"ts":"', moment(pl.col("time").fill_null(int(as_of.timestamp()))),
        '","chart":', _votes(election),
        ',"suara_tidak_sah":', number(INVALID),
        ',"suara_total":', (pl.col(VALID) + pl.col(INVALID)).cast(pl.String).fill_null("null"),
        ',"images":[],"pengguna_j":', number(VOTERS), "}",
    )  # fmt: skip
    return stations.join(paths, on="kelurahan_id", how="left", maintain_order="left").select(
        address=joined(
            f"/{layout.count_file(election.code, ())}".removesuffix(".json"),
            "/",
            pl.col("path"),
            "/",
            number("id"),
            ".json",
        ),
        body=pl.when("entered").then(body).otherwise(pl.lit(NOTHING_ENTERED)),
    )


def _progress_of_kelurahan(election: Election, stations: pl.DataFrame, kelurahan: pl.DataFrame) -> pl.DataFrame:
    """The progress of each kelurahan; of its polling stations, those of which there is something to say."""
    without_time = pl.col("entered") & pl.col("time").is_null()
    failed = [pl.when(column).then(pl.lit(f'"{rule.value}"')) for rule, column in RULES.items()]
    note = joined(
        _key(), '{"catatan":[', pl.concat_str(failed, separator=",", ignore_nulls=True), "]",
        pl.when(RULES[Rule.REGISTERED]).then(joined(',"terdaftar":', number("registered"))).otherwise(pl.lit("")),
        pl.when(without_time).then(pl.lit(',"foto_pertama":null')).otherwise(pl.lit("")), "}",
    )  # fmt: skip
    of_some = stations.filter(pl.col("remarked") | without_time)
    notes = of_some.group_by("kelurahan_id", maintain_order=True).agg(progress=listed(note))
    of_all = kelurahan.join(notes, left_on="id", right_on="kelurahan_id", how="left", maintain_order="left")
    return _progress(election, of_all.with_columns(pl.col("progress").fill_null("")))


def _stations_by_kelurahan(election: Election, stations: pl.DataFrame, kelurahan: pl.DataFrame) -> pl.DataFrame:
    """What the documents of each kelurahan say of its polling stations."""
    abroad = kelurahan.filter(pl.col("path").str.starts_with(f"{election.abroad}/"))["id"].implode()
    which = pl.col("number")
    name = pl.when(~pl.col("kelurahan_id").is_in(abroad)).then(joined("TPS ", number("number")))
    for kind, begins in reversed(KINDS_ABROAD):
        name = name.when(which > begins).then(joined(f"{kind} ", (which - begins).cast(pl.String)))
    return stations.group_by(pl.col("kelurahan_id").alias("parent_id")).agg(
        table=listed(joined(_key(), _votes(election))),
        names=listed(joined(_key(), '{"nama":"', name, '"}')),
        progress=pl.lit(""),
    )


def _regions_by_parent(election: Election, level: pl.DataFrame) -> pl.DataFrame:
    """What the documents of each region say of what it consists of; abroad is last, and marked with a plus."""
    named = with_votes_of_entered(election, level).with_columns(quoted=quoted(level["name"]))
    name = joined(
        _key(), '{"nama":"', pl.when("abroad").then(pl.lit("+")).otherwise(pl.lit("")), pl.col("quoted"), '"}'
    )
    progress = joined(_key(), "{", *_counted(), "}")
    return (
        named.sort("abroad", maintain_order=True)
        .group_by("parent_id")
        .agg(table=listed(joined(_key(), _votes(election))), names=listed(name), progress=listed(progress))
    )


def _counts(election: Election, regions: pl.DataFrame) -> pl.DataFrame:
    return with_votes_of_entered(election, regions).select(
        address=_address(layout.count_file(election.code, ()).removesuffix(".json"), ""),
        body=joined(
            ',"progress":{"total":', number("stations"),
            ',"proses":', number("entered"),
            '},"table":{', pl.col("table"),
            '},"chart":', _votes(election), "}",
        ),
    )  # fmt: skip


def _names(regions: pl.DataFrame) -> pl.DataFrame:
    folder = layout.names_file(()).removesuffix("/0.json")
    return regions.select(address=_address(folder, "/0"), body=joined("{", pl.col("names"), "}"))


def _progress(election: Election, regions: pl.DataFrame) -> pl.DataFrame:
    folder = layout.progress_file(election.code, ()).removesuffix(".json")
    body = joined('{"progress":{', *_counted(), '},"table":{', pl.col("progress"), "}}")
    return regions.select(address=_address(folder, ""), body=body)


def _counted() -> tuple[str | pl.Expr, ...]:
    """A region's progress, and how many of its forms fail any rule, and each."""
    rules = (part for rule, column in RULES.items() for part in (f',"{rule.value}":', number(column)))
    return (
        '"total":', number("stations"), ',"proses":', number("entered"),
        ',"catatan":{"formulir":', number("remarked"), *rules, "}",
    )  # fmt: skip


def _address(folder: str, of_nation: str) -> pl.Expr:
    path = pl.when(pl.col("path") == "").then(pl.lit(of_nation)).otherwise(pl.lit("/") + pl.col("path"))
    return joined(pl.lit(f"/{folder}"), path, pl.lit(".json"))


def _votes(election: Election) -> pl.Expr:
    """The votes by the candidates' keys."""
    parts: list[str | pl.Expr] = []
    for key, votes in zip(election.keys, columns_of(election).votes, strict=True):
        parts += [f'{"," if parts else "{"}"{key}":', number(votes)]
    return joined(*parts, "}")


def _key() -> pl.Expr:
    return joined('"', number("id"), '":')
