"""Reading `election.toml`: which election the tables beside it are of (docs/elections.md)."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.election import CODE, Candidate, Election, Layout
from app.loader.problems import Kind, Problem, Report, SourceError, refusal, shown
from app.loader.tables import LARGEST_ID

FILE = "election.toml"
LARGEST_BYTES = 2**20
LONGEST_NAME = 200
"""Signs; the longest of 2024 has 67."""

MOST_CANDIDATES = 99
"""A ballot's number has two digits; 24 parties stood in 2024."""

RESERVED = ("version",)
"""Files beside the one that names the candidates."""

_ADAPTER = TypeAdapter(Election)


def read_election_file(text: bytes, name: str) -> Election:
    """The election.

    Args:
        text: The file's text: TOML in UTF-8.
        name: What it is called in messages.

    Raises:
        SourceError: It is no such file, or doesn't fit.
    """
    if len(text) > LARGEST_BYTES:
        raise refusal(Kind.DAMAGED, name, f"has more than {LARGEST_BYTES} bytes: that describes no election")
    try:
        document = tomllib.loads(text.decode())
    except ValueError as error:  # of TOML, or of UTF-8
        raise refusal(Kind.DAMAGED, name, f"is no TOML ({error})") from error
    try:
        election = _ADAPTER.validate_python(document)
    except ValidationError as error:
        raise SourceError(_told(name, error)) from error
    report = Report()
    for column, why in _problems(election):
        report.add(Problem(Kind.ELECTION, name, 0, column, why))
    if report:
        raise SourceError(report)
    return election


def _told(name: str, error: ValidationError) -> Report:
    report = Report()
    for each in error.errors():
        message = "is no key of an election" if each["type"] == "unexpected_keyword_argument" else each["msg"]
        report.add(Problem(Kind.ELECTION, name, 0, ".".join(map(str, each["loc"])), message))
    return report


def _problems(election: Election) -> Iterator[tuple[str, str]]:
    """What no type can say: the key, and why its value doesn't fit."""
    if not re.fullmatch(CODE, election.code) or election.code in RESERVED:
        yield "code", f"{shown(election.code)} is not two to eight small letters, or is one of {', '.join(RESERVED)}"
    if Layout.SITUNG not in election.layouts or len(set(election.layouts)) != len(election.layouts):
        yield "layouts", f'must be ["{Layout.SITUNG}"], of which pages are made, or with others beside it'
    if election.opens.tzinfo is None:
        yield "opens", "must say its offset, as 2024-02-14T18:44:00+07:00 does"
    if not 0 < abs(election.abroad) <= LARGEST_ID:
        yield "abroad", f"must be an id, up to {LARGEST_ID}, and not the nation's"
    if not 2 <= len(election.candidates) <= MOST_CANDIDATES:  # noqa: PLR2004  # one alone is compared with nobody
        yield "candidates", f"must be two to {MOST_CANDIDATES}"
    texts = {"name": election.name, "short_name": election.short_name, "choice": election.choice}
    texts |= {"form": election.form, "form_time": election.form_time, "nation": election.nation}
    for place, names in (("levels", election.levels), ("levels_abroad", election.levels_abroad)):
        texts |= {f"{place}.{number}": each for number, each in enumerate(names)}
    yield from (found for column, text in texts.items() for found in _of_text(column, text))
    for number, candidate in enumerate(election.candidates):
        yield from _of_candidate(f"candidates.{number}", candidate, number + 1)
    for what in ("key", "number"):
        counted: Counter[Any] = Counter(getattr(each, what) for each in election.candidates)
        yield from (("candidates", f"the {what} {each} is there twice") for each, times in counted.items() if times > 1)


def _of_candidate(where: str, candidate: Candidate, at_least: int) -> Iterator[tuple[str, str]]:
    if not re.fullmatch("[1-9][0-9]{0,8}", candidate.key):
        yield f"{where}.key", f"{shown(candidate.key)} is not one to nine digits"
    if not at_least <= candidate.number <= MOST_CANDIDATES:
        yield f"{where}.number", f"{candidate.number} is not in the ballot's order"
    if not re.fullmatch("#[0-9A-Fa-f]{6}", candidate.colour):
        yield f"{where}.colour", f"{shown(candidate.colour)} is not #RRGGBB"
    yield from _of_text(f"{where}.name", candidate.name)


def _of_text(column: str, text: str) -> Iterator[tuple[str, str]]:
    if not text.strip() or len(text) > LONGEST_NAME or not text.isprintable():
        yield column, f"{shown(text)} is empty, has more than {LONGEST_NAME} signs, or one that can't be seen"
