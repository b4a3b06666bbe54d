"""The elections of the samples."""

from app.loader.election_file import FILE, read_election_file
from app.loader.stations import columns_of
from tests.stands.lab import PROJECT, SMALL

ELECTION_TEXT = (PROJECT / SMALL / FILE).read_bytes()
PILPRES = read_election_file(ELECTION_TEXT, FILE)
"""Two pairs, in the layout of 2019: what most tests show."""

COLUMNS = columns_of(PILPRES)
PILPRES_2024, LEGISLATIVE = (
    read_election_file((PROJECT / "samples" / name / FILE).read_bytes(), FILE) for name in ("kpu-2024", "legislatif")
)
"""Three pairs and eighteen parties, in both layouts."""
