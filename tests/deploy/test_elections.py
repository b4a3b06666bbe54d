"""Other elections than the samples' one, through the edge: no release is deployed for them."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from app.generate.__main__ import generate
from app.loader.election_file import FILE
from tests.deploy.test_rollout import url
from tests.stands.elections import LEGISLATIVE, PILPRES_2024
from tests.stands.lab import PROJECT, SMALL, LabStack


@pytest.fixture(autouse=True)
def _shows_what_it_showed(stack: LabStack) -> Generator[None, None, None]:  # pyright: ignore[reportUnusedFunction]
    yield
    stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")


def get(stack: LabStack, path: str) -> str:
    argv = ["curl", "-sf", "--cacert", str(stack.ca_file), f"{url(stack)}{path}"]
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout


def test_any_election_is_shown_in_its_layouts_by_the_release_that_runs(stack: LabStack, tmp_path: Path) -> None:
    generate(tmp_path, (PROJECT / "samples/legislatif" / FILE).read_bytes(), stations=500, entered=0.5, seed=1)
    for source, election in ((str(tmp_path), LEGISLATIVE), ("samples/kpu-2024", PILPRES_2024)):
        stack.fab("publish", "--source", source, "--correction", "Pemilu lain.")
        page = get(stack, f"/{election.code}/hitung-suara")
        assert election.name in page
        assert get(stack, "/") == page
        counts = [
            json.loads(get(stack, f"{path}/{election.code}.json")) for path in ("/static/json/hhcw", "/pemilu/hhcw")
        ]
        votes = [[count["chart"][key] for key in election.keys] for count in counts]
        assert votes[0] == votes[1]
        assert all(votes[0])
        provinces = json.loads(get(stack, f"/wilayah/pemilu/{election.code}/0.json"))
        assert sorted(each["kode"] for each in provinces) == list(counts[1]["table"])
        assert json.loads(get(stack, "/version"))["election"] == election.code
        stack.fab("verify")
