"""The results service in this process, over loopback, for whoever looks at its pages as a reader does."""

import contextlib
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path

import uvicorn

from app.service import Service, ServiceSettings
from app.snapshot import COMPLETE
from tests.stands.results import Row

READY_SECONDS = 20

ABROAD = ("-99", "-991302", "-991303", "-991304")
YOGYAKARTA = ("41863", "41864", "41881")
"""A province, a kabupaten and a kecamatan of the small sample."""


def odd_forms(rows: list[Row]) -> list[Row]:
    """The small sample's polling stations, with one of each thing that a page may have to say.

    By post and in a travelling box, a lead of one vote, all votes but one, far more votes than registered voters, no
    vote at all, and a form whose photo's time isn't known.
    """
    rows[0] |= {"tps_number": "1701"}
    rows[1] |= {"tps_number": "2712"}
    here = [row for row in rows if int(row["kelurahan_id"]) > 0 and row["valid_votes"]]
    here[0] |= _votes(6714, 6713)
    here[1] |= _votes(33_470, 1)
    here[2] |= _votes(300, 100) | {"registered_male": "20", "registered_female": "30"}
    here[3] |= _votes(0, 0) | {"total_votes": "114"}
    here[4] |= {"first_photo_unix_s": ""}
    return rows


def _votes(first: int, second: int) -> Row:
    valid = str(first + second)
    figures = {"votes_01": str(first), "votes_02": str(second), "valid_votes": valid, "total_votes": valid}
    return figures | {"invalid_votes": "0"}


def service_of(snapshot: Path, directory: Path) -> Service:
    """The service on a snapshot; its release, of which nothing is looked at but the name, is made in the directory."""
    (directory / "release.json").write_text('{"release":"1.0.0-0123456789"}', encoding="utf-8")
    (directory / COMPLETE).touch()
    settings = ServiceSettings("jakarta-app-1", "jakarta", directory, snapshot, directory / "altered")
    return Service(settings)


@contextlib.contextmanager
def served(service: Service) -> Generator[str, None, None]:
    """Run the service; yields where it answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            service.application(), log_config=None, access_log=False, lifespan="off", ws="none", http="h11"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + READY_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the service does not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()
