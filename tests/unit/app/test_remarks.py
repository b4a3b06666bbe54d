"""What a comparison of a form's figures finds: of one form, of the table's columns, and in the published documents."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import layout
from app.forms import Form, Rule
from app.loader.documents import every_document
from app.loader.tabulation import RULES, add_up, with_flags
from app.pages import kelurahan_page, region_page, station_page
from app.snapshot import Progress, Remarks, Snapshot
from tests.stands.elections import PILPRES
from tests.stands.packs import write_snapshot
from tests.thorough import examples
from tests.unit.app.test_columns import TREE

REGISTERED = {"registered_male": 60, "registered_female": 40}


@pytest.mark.parametrize(
    ("form", "rules"),
    [
        (Form((3, 4), 7, 3, 10), ()),
        (Form((3, 4), 7, 3, 11), ()),
        (Form((3, 4), 7, 3, 9), (Rule.VOTERS,)),
        (Form((3, 4), 8, 3, 11), (Rule.SUM,)),
        (Form((3, 4), 6, 3, 9), (Rule.SUM,)),
        (Form((0, 0), 0, 0, 114), (Rule.NO_VOTES,)),
        (Form((0, 0), 0, 0, 0), (Rule.NO_VOTES,)),
        (Form((0, 0), 0, 1, 1), ()),
        (Form((5, 2), 0, 0, 7), (Rule.SUM,)),
        (Form((3, 4), 8, 3, 9), (Rule.SUM, Rule.VOTERS)),
    ],
)
def test_each_rule_finds_what_it_is_named_after_and_nothing_else(form: Form, rules: tuple[Rule, ...]) -> None:
    assert form.remarks() == rules


@pytest.mark.parametrize(("votes", "found"), [(160, False), (161, True), (100, False)])
def test_votes_are_remarked_upon_from_half_as_many_more_than_registered_and_ten(votes: int, *, found: bool) -> None:
    form = Form((votes, 0), votes, 0, votes)
    assert (Rule.REGISTERED in form.remarks(100)) is found
    assert form.remarks(None) == ()


def flagged(**fields: int | None) -> dict[str, Any]:
    """A station of one kelurahan, with flags."""
    row = {"id": 1, "kelurahan_id": 4, "number": 1, "time": 1, "votes_01": 200, "votes_02": 0, "valid_votes": 200}
    row |= {"invalid_votes": 0, "total_votes": 200, **REGISTERED, **fields}
    return with_flags(pl.DataFrame([row], schema=dict.fromkeys(row, pl.Int64)), TREE, PILPRES).row(0, named=True)


@pytest.mark.parametrize(
    ("fields", "registered"),
    [
        ({}, 100),
        ({"registered_male": -1}, None),
        ({"registered_female": -1}, None),
        ({"registered_male": 0, "registered_female": 0}, None),
        ({"kelurahan_id": -96}, None),
        ({"kelurahan_id": -96, "number": 1001}, None),
        ({"kelurahan_id": -96, "number": 2001}, None),
    ],
)
def test_who_is_registered_is_known_of_both_figures_together_and_not_abroad(
    fields: dict[str, int], registered: int | None
) -> None:
    row = flagged(**fields)
    assert (row["registered"], row["rule_terdaftar"], row["remarked"]) == (registered, *[registered is not None] * 2)


def test_a_station_with_nothing_entered_is_not_remarked_upon() -> None:
    nothing = dict.fromkeys(("votes_01", "votes_02", "valid_votes", "invalid_votes", "total_votes"))
    row = flagged(**nothing)
    assert not any(row[column] for column in ("entered", "remarked", *RULES.values()))


FIGURE = st.integers(0, 40)


@examples(200)
@given(st.tuples(FIGURE, FIGURE), FIGURE, FIGURE, FIGURE, st.integers(-1, 30), st.integers(-1, 30))
def test_the_columns_say_of_a_form_what_the_form_says(
    votes: tuple[int, int], valid: int, invalid: int, voters: int, male: int, female: int
) -> None:
    fields = {"votes_01": votes[0], "votes_02": votes[1], "valid_votes": valid, "invalid_votes": invalid}
    row = flagged(**fields, total_votes=voters, registered_male=male, registered_female=female)
    registered = (male + female) or None if male >= 0 and female >= 0 else None
    remarks = Form(votes, valid, invalid, voters).remarks(registered)
    assert tuple(rule for rule, column in RULES.items() if row[column]) == remarks
    assert row["remarked"] is bool(remarks)


def published() -> dict[str, Any]:
    """The documents of four stations: far more votes than registered, nothing odd, more than came, no vote."""
    rows = [(1, 4, 1, 200, 200), (2, 4, 2, 90, 90), (3, 4, 3, 90, 80), (4, 5, 1, 0, 7)]
    names = ("id", "kelurahan_id", "number", "votes_01", "total_votes")
    table = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row").with_columns(
        votes_02=pl.lit(0),
        valid_votes="votes_01",
        invalid_votes=pl.lit(0),
        time=pl.when(pl.col("id") > 1).then(pl.lit(1_555_555_555, pl.Int64)),
        **{name: pl.lit(count) for name, count in REGISTERED.items()},
    )
    stations = with_flags(table, TREE, PILPRES)
    levels = add_up(stations, TREE, PILPRES)
    tables = every_document(PILPRES, stations, levels, dt.datetime(2019, 4, 18, tzinfo=dt.UTC), b"{}")
    bodies = (
        (address, f'{{"ts":""{body}' if each.stamped else body)
        for each in tables
        for address, body in each.table.rows()
    )
    return {address: json.loads(body) for address, body in bodies}


def test_what_a_kelurahan_says_of_its_stations_is_what_their_forms_do_not_say() -> None:
    found = published()
    assert found["/static/json/kemajuan/ppwp/1/2/3/4.json"] == {
        "progress": {
            "total": 3,
            "proses": 3,
            "catatan": {"formulir": 2, "jumlah_suara": 0, "pengguna": 1, "terdaftar": 1, "tanpa_suara": 0},
        },
        "table": {
            "1": {"catatan": ["terdaftar"], "terdaftar": 100, "foto_pertama": None},
            "3": {"catatan": ["pengguna"]},
        },
    }
    nation = found["/static/json/kemajuan/ppwp.json"]
    assert nation["table"]["1"] == nation["progress"]
    assert nation["progress"]["catatan"]["tanpa_suara"] == 1
    assert nation["table"]["-99"]["total"] == 0


def test_the_pages_say_what_the_documents_say(tmp_path: Path) -> None:
    bodies = {address: layout.dump(document) for address, document in published().items()}
    snapshot = Snapshot(write_snapshot(tmp_path / "snapshot", bodies))
    page = kelurahan_page(snapshot, (1, 2, 3, 4))
    assert [row.remarks for row in page.rows] == [(Rule.REGISTERED,), (), (Rule.VOTERS,)]
    first, second = (row.station for row in page.rows[:2])
    assert first
    assert second
    assert (first.registered, first.received_at) == (100, None)
    assert (second.registered, second.received_at) == (None, dt.datetime(2019, 4, 18, 9, 45, 55, tzinfo=layout.WIB))
    assert station_page(snapshot, (1, 2, 3, 4, 1)).station == first
    assert page.progress == Progress(3, 3, Remarks(2, {**dict.fromkeys(Rule, 0), Rule.VOTERS: 1, Rule.REGISTERED: 1}))
    rows = region_page(snapshot, (1, 2, 3)).rows
    assert [row.progress.remarks and row.progress.remarks.forms for row in rows] == [2, 1]


def test_an_earlier_loaders_snapshot_is_shown_without_remarks(tmp_path: Path) -> None:
    bodies = {address: layout.dump(document) for address, document in published().items() if "kemajuan" not in address}
    snapshot = Snapshot(write_snapshot(tmp_path / "snapshot", bodies))
    assert region_page(snapshot, ()).progress == Progress(4, 4, None)
    assert [row.progress.stations for row in region_page(snapshot, (1, 2, 3)).rows] == [3, 1]
    assert kelurahan_page(snapshot, (1, 2, 3, 4)).progress == Progress(3, 3, None)
