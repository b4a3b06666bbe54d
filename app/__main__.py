"""`python -m app`: run the results service on a unix socket, or on a port of this machine to look at it."""

import argparse
import os
from pathlib import Path

import uvicorn

from app.journal import log_config
from app.service import Service, ServiceSettings

GRACEFUL_SHUTDOWN_SECONDS = 10
"""Answers that have begun are finished before the process ends."""


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--uds", help="path of the unix socket")
    where.add_argument("--port", type=int, help="port on 127.0.0.1")
    arguments = parser.parse_args()
    settings = ServiceSettings(
        host=os.environ["TEGAK_HOST"],
        location=os.environ["TEGAK_LOCATION"],
        release_dir=Path(os.environ["TEGAK_RELEASE_DIR"]),
        snapshot_dir=Path(os.environ["TEGAK_SNAPSHOT_DIR"]),
        altered_mark=Path(os.environ["TEGAK_ALTERED"]),
        tick_minutes=int(os.environ.get("TEGAK_TICK_MINUTES", "0")) or None,
    )
    uvicorn.run(
        Service(settings).application(),
        uds=arguments.uds,
        port=arguments.port or 0,
        log_config=log_config(),
        access_log=False,  # the host's nginx has one
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
