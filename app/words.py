"""Numbers, shares, moments and remarks as Indonesians write them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain, pairwise

from app.forms import MORE_THAN_REGISTERED, TIMES_REGISTERED, Rule
from app.layout import WIB

NOTHING = "\N{EN DASH}"
"""Stands where nothing is entered."""

DECIMALS = 2
"""Of a share, unless it would say what isn't so."""

KEPT_MOMENTS = 1024
"""Of how many moments it is kept how they are written: those of a publication are on each of its pages."""

MONTHS = (
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
)


@cache
def remarks(choice: str) -> Mapping[Rule, str]:
    """What a comparison found, as a fact about the figures: nothing about why.

    Args:
        choice: What is voted for.
    """
    registered = f"{TIMES_REGISTERED} kali pemilih terdaftar ditambah {MORE_THAN_REGISTERED}".replace(".", ",")
    return {
        Rule.SUM: f"Jumlah suara semua {choice} tidak sama dengan suara sah",
        Rule.VOTERS: "Suara sah ditambah suara tidak sah melebihi pengguna hak pilih",
        Rule.REGISTERED: f"Suara sah ditambah suara tidak sah melebihi {registered}",
        Rule.NO_VOTES: "Tidak ada satu suara pun pada formulir",
    }


def number(value: int | None) -> str:
    """A number, with dots between thousands; a dash where nothing is entered."""
    return NOTHING if value is None else f"{value:,}".replace(",", ".")


def percent(part: int | None, whole: int) -> str:
    """A share, with a decimal comma; a dash where there is none.

    All and nothing are only what is all and nothing: 33,470 of 33,471 is no 100 %.
    """
    return NOTHING if part is None or not whole else _told_apart({part}, whole)[part]


def shares(votes: Sequence[int | None]) -> tuple[str, ...]:
    """Each one's share of all votes: whoever has more is shown with more, if only by the last of many decimals."""
    total = sum(filter(None, votes))
    texts = _told_apart({mine for mine in votes if mine is not None}, total) if total else {}
    return tuple(NOTHING if mine is None else texts.get(mine, NOTHING) for mine in votes)


@lru_cache(KEPT_MOMENTS)
def moment(time: dt.datetime) -> str:
    """A moment in western Indonesian time, to the minute."""
    local = time.astimezone(WIB)
    return f"{local.day} {MONTHS[local.month - 1]} {local.year} pukul {local:%H.%M} WIB"


@lru_cache(KEPT_MOMENTS)
def machine_moment(time: dt.datetime) -> str:
    """The same for machines, with its offset."""
    return time.astimezone(WIB).isoformat(timespec="seconds")


def _told_apart(parts: set[int], whole: int) -> dict[int, str]:
    """Shares in so few decimals that each is more than the next smaller one, more than nothing, and less than all."""
    in_order = sorted(parts | {0, whole})
    if in_order[0] < 0:
        raise ValueError(f"{in_order[0]} is no number of votes")  # no decimals would ever tell it from nothing
    decimals = dict.fromkeys(in_order, DECIMALS)
    while same := [pair for pair in pairwise(in_order) if not _is_less(pair, whole, decimals)]:
        for part in set(chain(*same)):
            decimals[part] += 1
    return {part: _written(part, whole, decimals[part] if 0 < part < whole else DECIMALS) for part in parts}


def _is_less(pair: tuple[int, int], whole: int, decimals: Mapping[int, int]) -> bool:
    less, more = pair
    fewer, other = decimals[less], decimals[more]
    return _rounded(less, whole, fewer) * 10**other < _rounded(more, whole, other) * 10**fewer


def _rounded(part: int, whole: int, decimals: int) -> int:
    """The share in units of its last decimal, halves up: whole numbers, since a float rounds by itself."""
    return (2 * part * 10 ** (decimals + 2) + whole) // (2 * whole)


def _written(part: int, whole: int, decimals: int) -> str:
    before, after = divmod(_rounded(part, whole, decimals), 10**decimals)
    return f"{before},{after:0{decimals}}%"
