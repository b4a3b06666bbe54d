from __future__ import annotations

from pathlib import Path

import pytest

from app.loader.build import BuiltSnapshot, build_snapshot
from app.snapshot import COMPLETE
from tests.stands.packs import unpack_snapshot

SAMPLE = Path(__file__).resolve().parents[3] / "samples/kpu-2019-small"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltSnapshot:
    return build_snapshot(SAMPLE, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def snapshot_dir(built: BuiltSnapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_snapshot(built, tmp_path_factory.mktemp("snapshots"))


@pytest.fixture
def release_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "1.0.0-0123456789"
    directory.mkdir()
    (directory / "release.json").write_text('{"release":"1.0.0-0123456789"}')
    (directory / COMPLETE).touch()
    return directory
