"""The documents of an election, as columns of addresses and bodies: all of them, or those of what has changed."""

import datetime as dt
from collections.abc import Iterator, Sequence

import polars as pl

from app import layout, sirekap
from app.election import Election
from app.loader.changed import Changed
from app.loader.packing import Documents
from app.loader.sirekap import sirekap_documents
from app.loader.situng import situng_documents


def stamp(as_of: dt.datetime) -> str:
    """How the count of every region begins, in each layout: with the snapshot's time."""
    return f'{{"ts":"{layout.local_time(as_of)}"'


def every_document(
    election: Election,
    stations: pl.DataFrame,
    levels: Sequence[pl.DataFrame],
    as_of: dt.datetime,
    version: bytes,
    changed: Changed | None = None,
) -> Iterator[Documents]:
    """Every document of a snapshot, or those of what has changed, kind after kind.

    Args:
        election: Whose layouts are published.
        stations: The polling stations, with flags.
        levels: The regions of each level, the nation first, with their counts.
        as_of: The snapshot's time.
        version: The document that says it.
        changed: What has changed since another snapshot of the same regions and polling stations; None for everything.
    """
    fixed = {layout.candidates_file(election.code): layout.candidates_body(election), layout.VERSION: version}
    yield from situng_documents(election, stations, levels, as_of, changed)
    if election.is_sirekap:
        fixed[sirekap.candidates_file(election.code)] = sirekap.candidates_body(election)
        yield from sirekap_documents(election, stations, levels, as_of, changed)
    bodies = [body.decode() for body in fixed.values()]
    yield Documents(pl.DataFrame({"address": [f"/{path}" for path in fixed], "body": bodies}))
