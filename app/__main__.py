"""`python -m app`: run the results service on a unix socket, or on a port of this machine to look at it."""

import argparse
import functools
import os
import sys
from pathlib import Path

import uvicorn

from app import processes
from app.journal import log_config
from app.service import Service, ServiceSettings

GRACEFUL_SHUTDOWN_SECONDS = 10
"""Answers that have begun are finished before the process ends."""

FEWEST_PROCESSES, MOST_PROCESSES = 2, 8
"""One that reads from the disk leaves its processor to another one; each takes some 40 MB, and the unit allows 512."""


def main() -> int:
    """Run until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--uds", help="path of the unix socket")
    where.add_argument("--port", type=int, help="port on 127.0.0.1")
    parser.add_argument("--processes", type=int, default=1, help="how many; 0: as many as there are processors")
    arguments = parser.parse_args()
    settings = ServiceSettings(
        host=os.environ["TEGAK_HOST"],
        location=os.environ["TEGAK_LOCATION"],
        release_dir=Path(os.environ["TEGAK_RELEASE_DIR"]),
        snapshot_dir=Path(os.environ["TEGAK_SNAPSHOT_DIR"]),
        altered_mark=Path(os.environ["TEGAK_ALTERED"]),
    )
    service = Service(settings)
    service.warm_up()
    config = uvicorn.Config(
        service.application(),
        http="auto",  # Debian's httptools, as on hosts, where it is installed; else h11, which takes twice as long
        uds=arguments.uds,
        port=arguments.port or 0,
        log_config=log_config(),
        access_log=False,  # the host's nginx has one
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
    config.load()  # once, for all processes
    if arguments.uds:  # one that was killed leaves its socket behind, and nothing binds where one is
        Path(arguments.uds).unlink(missing_ok=True)
    processors = min(max(len(os.sched_getaffinity(0)), FEWEST_PROCESSES), MOST_PROCESSES)
    with config.bind_socket() as listener:
        serve = functools.partial(uvicorn.Server(config).run, sockets=[listener])
        return processes.run(serve, arguments.processes or processors)


if __name__ == "__main__":
    sys.exit(main())
