"""The documents of the 2024 layout, as columns: see `app.sirekap`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import polars as pl

from app.election import Election
from app.loader.changed import Changed, among
from app.loader.packing import Documents
from app.loader.regions import KELURAHAN_DEPTH
from app.loader.stations import INVALID, REGISTERED, VALID, VOTERS, columns_of
from app.loader.tabulation import with_votes_of_entered
from app.loader.texts import joined, listed, moment, number, quoted
from app.sirekap import CODE_DIGITS, IMAGES, REGULAR

NUMBER_DIGITS = CODE_DIGITS[5] - CODE_DIGITS[4]
ID_STEP = 1000
"""A polling station's id is its kelurahan's, and three digits with its number."""

FIELDS = {
    "suara_sah": VALID,
    "suara_total": "suara_total",
    "pemilih_dpt_j": "pemilih_dpt_j",
    "pemilih_dpt_l": REGISTERED[0],
    "pemilih_dpt_p": REGISTERED[1],
    "pengguna_dpt_j": "pengguna_dpt_j",
    "pengguna_dpt_l": "pengguna_dpt_l",
    "pengguna_dpt_p": "pengguna_dpt_p",
    "pengguna_dptb_j": "pengguna_dptb_j",
    "pengguna_dptb_l": "pengguna_dptb_l",
    "pengguna_dptb_p": "pengguna_dptb_p",
    "suara_tidak_sah": INVALID,
    "pengguna_total_j": VOTERS,
    "pengguna_total_l": "pengguna_total_l",
    "pengguna_total_p": "pengguna_total_p",
    "pengguna_non_dpt_j": "pengguna_non_dpt_j",
    "pengguna_non_dpt_l": "pengguna_non_dpt_l",
    "pengguna_non_dpt_p": "pengguna_non_dpt_p",
}
"""What a polling station's `administrasi` says, and the column that it is from."""


def sirekap_documents(
    election: Election,
    stations: pl.DataFrame,
    levels: Sequence[pl.DataFrame],
    as_of: dt.datetime,
    changed: Changed | None = None,
) -> Iterator[Documents]:
    """Every document of the layout but that with the candidates: see `app.loader.documents.every_document`."""
    kelurahan = levels[KELURAHAN_DEPTH]
    codes = kelurahan.select(kelurahan_id="id", kelurahan_code="code", code_path="code_path")
    coded = stations.join(codes, on="kelurahan_id", how="left", maintain_order="left").with_columns(
        code=joined(pl.col("kelurahan_code"), _three_digits())
    )
    yield Documents(_forms(election, among(coded, "id", changed and changed.stations), as_of))
    regions = changed and changed.regions
    parts = _of_stations(election, among(coded, "kelurahan_id", regions))
    for depth, level in reversed(list(enumerate(levels))):
        told = (
            among(level, "id", regions)
            .join(parts, left_on="id", right_on="parent_id", how="left", maintain_order="left")
            .with_columns(pl.col("table", "names").fill_null(""))
        )
        yield Documents(_counts(election, told), stamped=True)
        yield Documents(told.select(address=_address(f"/wilayah/pemilu/{election.code}", "/0"), body=_list()))
        if depth:  # the nation is no part of anything
            parts = _of_regions(election, among(level, "parent_id", regions), depth)


def _forms(election: Election, stations: pl.DataFrame, as_of: dt.datetime) -> pl.DataFrame:
    votes = _votes(election)
    known = pl.when(pl.col("entered")).then(int(as_of.timestamp())).otherwise(int(election.opens.timestamp()))
    fields: list[str | pl.Expr] = []
    for field, column in FIELDS.items():
        known_number = pl.when(pl.col(column) >= 0).then(number(column)).otherwise(pl.lit("null"))  # see UNKNOWN
        fields += [f'{"," if fields else "{"}"{field}":', known_number]
    body = joined(
        '{"chart":', pl.when("entered").then(joined('{"null":null,', votes, "}")).otherwise(pl.lit("null")),
        f',"images":[{",".join(["null"] * IMAGES)}],"administrasi":',
        pl.when(pl.col(VALID).is_not_null()).then(joined(*fields, "}")).otherwise(pl.lit("null")),
        ',"psu":null,"ts":"', moment(pl.coalesce("time", known)),
        '","status_suara":', _flag(pl.col("entered")),
        ',"status_adm":', _flag(pl.col(VALID).is_not_null()), "}",
    )  # fmt: skip
    folder = f"/pemilu/hhcw/{election.code}/"
    return stations.select(address=joined(folder, pl.col("code_path"), "/", pl.col("code"), ".json"), body=body)


def _of_stations(election: Election, stations: pl.DataFrame) -> pl.DataFrame:
    """What the documents of each kelurahan say of its polling stations."""
    persen = pl.when("entered").then(pl.lit("100")).otherwise(pl.lit("0"))
    row = _row(election, persen, pl.col("entered"))
    id_ = (pl.col("kelurahan_id").abs() * ID_STEP + pl.col("number")) * pl.col("kelurahan_id").sign()
    entry = _entry(joined("TPS ", _three_digits()), id_.cast(pl.String), len(CODE_DIGITS) - 1)
    by_code = stations.sort("code")
    return by_code.group_by(pl.col("kelurahan_id").alias("parent_id"), maintain_order=True).agg(
        table=listed(row), names=listed(entry)
    )


def _of_regions(election: Election, level: pl.DataFrame, depth: int) -> pl.DataFrame:
    """What the documents of each region say of what it consists of: counts by code, names by name."""
    named = with_votes_of_entered(election, level).with_columns(quoted=quoted(level["name"]))
    row = _row(election, _persen(), pl.col("entered") > 0)
    entry = _entry(pl.col("quoted"), number("id"), depth)
    tables = named.sort("code").group_by("parent_id").agg(table=listed(row))
    names = named.sort("name", "code").group_by("parent_id").agg(names=listed(entry))
    return tables.join(names, on="parent_id")


def _counts(election: Election, regions: pl.DataFrame) -> pl.DataFrame:
    return with_votes_of_entered(election, regions).select(
        address=_address(f"/pemilu/hhcw/{election.code}", ""),
        body=joined(
            f',"psu":"{REGULAR}","mode":"hhcw","chart":{{', _votes(election), ',"persen":', _persen(),
            '},"table":{', pl.col("table"),
            '},"progres":{"total":', number("stations"), ',"progres":', number("entered"), "}}",
        ),
    )  # fmt: skip


def _row(election: Election, persen: pl.Expr, entered: pl.Expr) -> pl.Expr:
    return joined(
        '"', pl.col("code"), f'":{{"psu":"{REGULAR}",', _votes(election),
        ',"persen":', persen, ',"status_progress":', _flag(entered), "}",
    )  # fmt: skip


def _entry(name: pl.Expr, id_: pl.Expr, depth: int) -> pl.Expr:
    return joined('{"nama":"', name, '","id":', id_, ',"kode":"', pl.col("code"), f'","tingkat":{depth}}}')


def _list() -> pl.Expr:
    return joined("[", pl.col("names"), "]")


def _votes(election: Election) -> pl.Expr:
    parts: list[str | pl.Expr] = []
    for key, votes in zip(election.keys, columns_of(election).votes, strict=True):
        parts += [f'{"," if parts else ""}"{key}":', number(votes)]
    return joined(*parts)


def _persen() -> pl.Expr:
    """The share of polling stations with votes, in hundredths of a percent, as a number with a point."""
    share = pl.when(pl.col("stations") > 0).then(pl.col("entered") * 10_000 / pl.col("stations")).otherwise(0.0)
    return (share.round() / 100).cast(pl.String)


def _flag(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.lit("true")).otherwise(pl.lit("false"))


def _three_digits() -> pl.Expr:
    return pl.col("number").cast(pl.String).str.zfill(NUMBER_DIGITS)


def _address(folder: str, of_nation: str) -> pl.Expr:
    nation = pl.col("code_path") == ""
    return joined(folder, pl.when(nation).then(pl.lit(of_nation)).otherwise(pl.lit("/") + pl.col("code_path")), ".json")
