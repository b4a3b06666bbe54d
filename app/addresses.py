"""The site's addresses: what is none of them is refused here, before a file is looked for or a number is made of it."""

import re
from dataclasses import dataclass
from enum import Enum

from app.layout import ABROAD_NAMES, CANDIDATE_NAMES, JSON_ROOT, VERSION, RegionPath

NATION_PAGE = "/ppwp/hitung-suara"
STATION_DEPTH = 5

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


class Kind(Enum):
    """What an address shows; its value is the pattern of the addresses, with the region in a group."""

    PAGE = rf"/|{NATION_PAGE}(?P<region>(?:/{REGION_ID}){{0,5}})/?"
    NAMES = rf"/{JSON_ROOT}/wilayah(?:/0|(?P<region>(?:/{REGION_ID}){{1,4}}))\.json"
    COUNT = rf"/{JSON_ROOT}/hhcw/ppwp(?P<region>(?:/{REGION_ID}){{0,5}})\.json"
    PROGRESS = rf"/{JSON_ROOT}/kemajuan/ppwp(?P<region>(?:/{REGION_ID}){{0,4}})\.json"
    FILE = "|".join(re.escape(f"/{file}") for file in (CANDIDATE_NAMES, VERSION, ABROAD_NAMES))
    HEALTH = HEALTH
    RELEASE = RELEASE
    ROBOTS = re.escape(ROBOTS)


@dataclass(frozen=True)
class Address:
    """An address of the site.

    Args:
        kind: What it shows.
        region: Of which region or polling station; empty for the nation, and where it is of none.
    """

    kind: Kind
    region: RegionPath = ()


_PATTERNS = {kind: re.compile(kind.value, re.ASCII) for kind in Kind}


def read_address(path: str) -> Address | None:
    """The address that a request's decoded path is; None if the site has no such one, whatever its data."""
    for kind, pattern in _PATTERNS.items():
        found = pattern.fullmatch(path)
        if found:
            region = found.groupdict().get("region") or ""
            return Address(kind, tuple(int(part) for part in region.split("/")[1:]))
    return None
