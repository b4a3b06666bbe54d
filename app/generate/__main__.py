"""`python -m app.generate DIRECTORY`: the tables of an election that never was, of any size, to rehearse and test with.

The same seed gives the same bytes. What is odd in real tables is in these too: sums that don't match, more votes than
voters, forms of zeros, figures with a digit too many, unknown numbers of registered voters, forms without a time, parts
of one region that share a name. None of it is a result, and the names of places are made up.
"""

import argparse
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import polars as pl

from app.generate.places import MOST_KELURAHAN, make_places
from app.generate.stations import EACH, make_stations
from app.loader.election_file import FILE, read_election_file
from app.loader.problems import SourceError
from app.loader.regions import columns_of

MOST_STATIONS = min(MOST_KELURAHAN * EACH, 1_900_000)
UNUSABLE = 2
"""Exit code: the election can't be read."""


def generate(target: Path, election_text: bytes, *, stations: int, entered: float, seed: int) -> None:
    """Write election.toml, regions.csv.gz and tps.csv.gz.

    Args:
        target: The directory for them; files of these names are overwritten.
        election_text: What election.toml is to say.
        stations: How many polling stations there are at home, up to MOST_STATIONS; some more are abroad.
        entered: The share of them whose forms have come, from 0 to 1.
        seed: What decides by chance.

    Raises:
        SourceError: The election can't be read.
    """
    election, chance = read_election_file(election_text, FILE), np.random.default_rng(seed)
    regions = make_places(election, -(-stations // EACH), chance)
    target.mkdir(parents=True, exist_ok=True)
    (target / FILE).write_bytes(election_text)
    _write(target / "regions.csv.gz", regions.select(columns_of(election)))
    _write(target / "tps.csv.gz", make_stations(election, regions, stations, entered, chance))


def _write(path: Path, table: pl.DataFrame) -> None:
    text = io.BytesIO()
    table.write_csv(text)
    path.write_bytes(gzip.compress(text.getvalue(), 6, mtime=0))


def main() -> int:
    """Generate, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.generate", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the files go: a source for `fab publish --source`")
    parser.add_argument("--election", type=Path, required=True, help="election.toml: samples/ has some")
    parser.add_argument("--stations", type=int, default=1000, help="polling stations (1000)")
    parser.add_argument("--entered", type=float, default=0.8, help="the share of them with figures (0.8)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another election (1)")
    arguments = parser.parse_args()
    if not 1 <= arguments.stations <= MOST_STATIONS or not 0 <= arguments.entered <= 1 or arguments.seed < 0:
        parser.error(f"--stations is 1 to {MOST_STATIONS}, --entered 0 to 1, --seed not negative")
    try:
        text = arguments.election.read_bytes()
        options = {"stations": arguments.stations, "entered": arguments.entered, "seed": arguments.seed}
        generate(arguments.directory, text, **options)
    except SourceError as error:
        sys.stderr.write(f"error: {error}\n")
        return UNUSABLE
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
