"""Debian's chromium, and the site that it looks at."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from app.loader.announcement import Announcement
from app.loader.build import build_snapshot
from app.service import Service
from tests.stands.packs import unpack_snapshot
from tests.stands.pages import odd_forms, served, service_of
from tests.stands.results import source_of


@pytest.fixture(scope="session")
def snapshot_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pages")
    source = source_of(directory / "source", stations=odd_forms)
    announcement = Announcement("Satu formulir ditarik.", every_seconds=900)
    return unpack_snapshot(build_snapshot(source, directory / "dist", announcement=announcement), directory)


@pytest.fixture(scope="session")
def service(snapshot_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    return service_of(snapshot_dir, tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def site(service: Service) -> Generator[str, None, None]:
    """Where the site answers."""
    with served(service) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Generator[Browser, None, None]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        # Without its sandbox, which root can't have; it sees no pages but ours.
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()
