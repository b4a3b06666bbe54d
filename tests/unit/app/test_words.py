"""How the pages write figures: nothing is rounded to what isn't so."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.election import short_name
from app.words import machine_moment, moment, number, percent, shares
from tests.thorough import examples


def value(text: str) -> Decimal:
    return Decimal(text.removesuffix("%").replace(",", "."))


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (373, 450, "82,89%"),
        (33_470, 33_471, "99,997%"),
        (33_471, 33_471, "100,00%"),
        (1, 813_336, "0,0001%"),
        (0, 813_336, "0,00%"),
        (1, 800, "0,13%"),
        (0, 0, "–"),
        (None, 5, "–"),
    ],
)
def test_all_and_nothing_are_only_what_is_all_and_nothing(part: int | None, whole: int, text: str) -> None:
    assert percent(part, whole) == text


@pytest.mark.parametrize(
    ("votes", "texts"),
    [
        ((110_443, 33_694), ("76,62%", "23,38%")),
        ((6_714, 6_713), ("50,004%", "49,996%")),
        ((75_000_001, 75_000_000), ("50,0000003%", "49,9999997%")),
        ((5, 5), ("50,00%", "50,00%")),
        ((5, 0), ("100,00%", "0,00%")),
        ((33_470, 1), ("99,997%", "0,003%")),
        ((0, 0), ("–", "–")),
        ((None, None), ("–", "–")),
        ((1_000_000, 12, 13, 500_000), ("66,67%", "0,0008%", "0,0009%", "33,33%")),
    ],
)
def test_whoever_leads_is_shown_to_lead(votes: tuple[int | None, ...], texts: tuple[str, ...]) -> None:
    assert shares(votes) == texts


def test_less_than_no_votes_is_an_error_and_no_endless_search() -> None:
    with pytest.raises(ValueError, match="-7 is no number of votes"):
        shares([0, -7])


@examples(300)
@given(st.lists(st.one_of(st.integers(0, 30), st.integers(0, 10**8)), min_size=2, max_size=18))
@example([1, 2, 10**8])
def test_shares_are_in_the_order_of_the_votes_and_nearly_right(votes: list[int]) -> None:
    if not sum(votes):
        return
    shown = [value(text) for text in shares(votes)]
    for mine, share in zip(votes, shown, strict=True):
        assert abs(share - Decimal(100 * mine) / sum(votes)) <= Decimal("0.005")
        for other, its_share in zip(votes, shown, strict=True):
            assert (share > its_share) == (mine > other)
        assert (share == 100) == (mine == sum(votes))
        assert (share == 0) == (mine == 0)


def test_numbers_have_dots_and_moments_are_in_words() -> None:
    assert (number(84_143_641), number(0), number(None)) == ("84.143.641", "0", "–")
    time = dt.datetime(2019, 4, 18, 3, 45, 59, tzinfo=dt.UTC)
    assert moment(time) == "18 April 2019 pukul 10.45 WIB"
    assert machine_moment(time) == "2019-04-18T10:45:59+07:00"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Ir. H. JOKO WIDODO - Prof. Dr. (H.C) KH. MA'RUF AMIN", "JOKO WIDODO – MA'RUF AMIN"),
        (
            "H. ANIES RASYID BASWEDAN, Ph.D. - Dr. (H.C.) H. A. MUHAIMIN ISKANDAR",
            "ANIES RASYID BASWEDAN – MUHAIMIN ISKANDAR",
        ),
        ("PARTAI KEBANGKITAN BANGSA", "PARTAI KEBANGKITAN BANGSA"),
        ("P.K.B.", "P.K.B."),
    ],
)
def test_a_short_name_has_no_titles(name: str, short: str) -> None:
    assert short_name(name) == short
