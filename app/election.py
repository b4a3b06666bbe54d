"""Which election it is whose results are shown: its candidates, levels and addresses, as data beside the tables.

It is written in the source's `election.toml` (`app.loader.election_file`, docs/elections.md) and signed with each
snapshot: a release shows any election.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

CODE = "[a-z]{2,8}"
"""What an election is called in addresses, as a pattern."""


class Layout(StrEnum):
    """A public layout of JSON files: which addresses there are, and what they say."""

    SITUNG = "2019"
    SIREKAP = "2024"


STRICT = {"extra": "forbid"}
"""For pydantic, which reads these classes where the file is read: an unknown key is a mistake."""


@dataclass(frozen=True)
class Candidate:
    """A candidate, a pair or a party.

    Args:
        key: What its votes are called in the published documents: digits.
        number: On the ballot.
        name: In full.
        colour: `#RRGGBB`, as published. Pages show it as far as it can be read: see `app.colours`.
    """

    __pydantic_config__ = STRICT

    key: str
    number: int
    name: str
    colour: str

    @property
    def padded(self) -> str:
        """The number as it is on the ballot."""
        return f"{self.number:02}"

    @property
    def short(self) -> str:
        """Number and name without titles, for the head of a column."""
        return f"{self.padded} {short_name(self.name)}"


@dataclass(frozen=True)
class Election:
    """An election.

    Args:
        code: In addresses, as `ppwp`.
        name: In full, with its year.
        short_name: For titles, with its year.
        layouts: Which documents are published. Pages are made of those of 2019, so these always are.
        candidates: In the ballot's order.
        opens: When the site opens: what the layout of 2024 says of what nobody has entered yet dates from then.
        choice: What is voted for, as the pages call it.
        form: What the pages call the polling station's form.
        form_time: Of what the forms' times in the tables are, as the pages say it: "foto pertama … diterima".
        nation: What the whole is called.
        levels: What its parts are called, and theirs, down to the polling station.
        levels_abroad: The same below the region of those abroad.
        abroad: The id of that region, beside the provinces.
    """

    __pydantic_config__ = STRICT

    code: str
    name: str
    short_name: str
    layouts: tuple[Layout, ...]
    candidates: tuple[Candidate, ...]
    opens: dt.datetime
    choice: str = "calon"
    form: str = "C1"
    form_time: str = "formulir ini diterima"
    nation: str = "Indonesia"
    levels: tuple[str, str, str, str, str] = ("Provinsi", "Kabupaten/Kota", "Kecamatan", "Kelurahan/Desa", "TPS")
    levels_abroad: tuple[str, str, str, str, str] = ("Provinsi", "Negara", "Kota", "Perwakilan", "TPS, POS dan KSK")
    abroad: int = -99

    @property
    def keys(self) -> tuple[str, ...]:
        """What the candidates' votes are called in the documents, in ballot order."""
        return tuple(candidate.key for candidate in self.candidates)

    @property
    def is_sirekap(self) -> bool:
        """Whether the layout of 2024 is published too."""
        return Layout.SIREKAP in self.layouts

    def document(self) -> dict[str, Any]:
        """As it stands in a snapshot's manifest."""
        return {**asdict(self), "opens": self.opens.isoformat()}


def read_election(document: Mapping[str, Any]) -> Election:
    """The election of a snapshot's manifest, which was checked before it was signed."""
    values: dict[str, Any] = {**document}
    values |= {name: tuple(document[name]) for name in ("levels", "levels_abroad")}
    values["layouts"] = tuple(map(Layout, document["layouts"]))
    values["candidates"] = tuple(Candidate(**each) for each in document["candidates"])
    values["opens"] = dt.datetime.fromisoformat(document["opens"])
    return Election(**values)


def short_name(name: str) -> str:
    """A candidate's, pair's or party's name without titles, which are the words with a full stop."""
    parts = (" ".join(word.strip(",") for word in part.split() if "." not in word) for part in name.split(" - "))
    return " \N{EN DASH} ".join(filter(None, parts)) or name
