"""The site's addresses: what is none of them is refused here, before a file is looked for or a number is made of it."""

import re
from dataclasses import dataclass
from enum import Enum

from app import sirekap
from app.election import CODE
from app.layout import ABROAD_NAMES, JSON_ROOT, VERSION, RegionPath

STATION_DEPTH = 5

DEFAULT_PAGE = "/index.html"
"""The nation's page once more: what a CDN asks for where `/` was asked for, whatever election is shown."""

HEALTH = "/healthz"
RELEASE = "/version"
ROBOTS = "/robots.txt"

ARCHIVE_INDEX = "/arsip/indeks.json"
ARCHIVED = (
    r"/arsip/(?:indeks\.json|allowed_signers"
    r"|[0-9]{8}T[0-9]{6}Z-[0-9a-f]{10}/(?:snapshot\.json(?:\.sig)?|(?:utuh|perubahan)\.tar\.gz))"
)
"""What the edge answers, and no host: each publication as it was signed, and their index, for who wants to check."""

REGION_ID = "-?[1-9][0-9]{0,14}"
"""One way to say each: "01" and "+1" are no other way to say "1". The longest are of ten digits."""


_ELECTION = f"(?P<election>{CODE})"


class Kind(Enum):
    """What an address shows; its value is the pattern of the addresses, with election and region in groups."""

    PAGE = rf"/|{re.escape(DEFAULT_PAGE)}|/{_ELECTION}/hitung-suara(?P<region>(?:/{REGION_ID}){{0,5}})/?"
    NAMES = rf"/{JSON_ROOT}/wilayah(?:/0|(?P<region>(?:/{REGION_ID}){{1,4}}))\.json"
    COUNT = rf"/{JSON_ROOT}/hhcw/{_ELECTION}(?P<region>(?:/{REGION_ID}){{0,5}})\.json"
    PROGRESS = rf"/{JSON_ROOT}/kemajuan/{_ELECTION}(?P<region>(?:/{REGION_ID}){{0,4}})\.json"
    FILE = "|".join(re.escape(f"/{file}") for file in (VERSION, ABROAD_NAMES))
    CANDIDATES = rf"/{JSON_ROOT}/(?!{re.escape(VERSION.removeprefix(f'{JSON_ROOT}/'))}){_ELECTION}\.json"
    SIREKAP = "|".join(sirekap.PATTERNS)
    HEALTH = HEALTH
    RELEASE = RELEASE
    ROBOTS = re.escape(ROBOTS)


@dataclass(frozen=True)
class Address:
    """An address of the site.

    Args:
        kind: What it shows.
        region: Of which region or polling station; empty for the nation, and where it is of none.
        election: Of which election; empty for the one that is shown, and where it is of none.
    """

    kind: Kind
    region: RegionPath = ()
    election: str = ""


_PATTERNS = {kind: re.compile(kind.value, re.ASCII) for kind in Kind}


def page(election: str, region: RegionPath = ()) -> str:
    """The address of the page of the nation, a region or a polling station."""
    return "/".join([f"/{election}/hitung-suara", *map(str, region)])


def read_address(path: str) -> Address | None:
    """The address that a request's decoded path is; None if the site has no such one, whatever its data."""
    for kind, pattern in _PATTERNS.items():
        found = pattern.fullmatch(path)
        if found:
            groups = found.groupdict()
            region = tuple(int(part) for part in (groups.get("region") or "").split("/")[1:])
            return Address(kind, region, groups.get("election") or "")
    return None
