"""A PostgreSQL server of the tests' own, out of Debian's package, which ends with the process that started it."""

import contextlib
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

ACCOUNT = "postgres"
"""The package's own: the server refuses to run as root."""

PREFIX = "tegak-postgres-"
START_SECONDS = 30
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Args:
        directory: Its socket is there, where only root and itself can go.
        port: Where it listens, on this machine alone.
        pid: Its process.
    """

    directory: Path
    port: int
    pid: int

    def address(self, user: str, database: str = "postgres") -> str:
        """Where a user of it connects to, over TCP and with a password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        """A connection as the one who may do everything, over the socket; each statement takes effect by itself."""
        return psycopg.connect(
            host=str(self.directory), port=self.port, user=ACCOUNT, dbname="postgres", autocommit=True
        )


@contextmanager
def postgres_server() -> Generator[Server, None, None]:
    """A server with an empty database; gone in the end, and whatever a run left that was killed."""
    _sweep()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        account = pwd.getpwnam(ACCOUNT)
        data = directory / "data"
        data.mkdir(mode=0o700)
        for path in (directory, data):
            os.chown(path, account.pw_uid, account.pw_gid)
        process = None
        try:
            process, port = _start(directory, data)
            yield Server(directory, port, process.pid)
        finally:
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
                process.wait(START_SECONDS)
            shutil.rmtree(directory)


def _start(directory: Path, data: Path) -> tuple[subprocess.Popen[bytes], int]:
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)
    assert binaries, "there is no PostgreSQL: apt-get install postgresql"
    # Ended by the kernel when we end, however that is.
    as_account = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--init-groups", "--pdeathsig=QUIT", "--"]
    initialise = [binaries / "initdb", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "-D", data]
    done = subprocess.run([*as_account, *initialise], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (data / "pg_hba.conf").write_text(ACCESS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = {"unix_socket_directories": directory, "listen_addresses": "127.0.0.1", "port": port, "fsync": "off"}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (directory / "log").open("wb") as log:
        argv = [*as_account, binaries / "postgres", "-D", data, *options]
        process = subprocess.Popen(argv, cwd="/", stdout=log, stderr=log)
    server = Server(directory, port, process.pid)
    for _ in range(START_SECONDS * 10):
        with contextlib.suppress(psycopg.OperationalError), server.connect():
            return process, port
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError((directory / "log").read_text())


def _sweep() -> None:
    """Remove the directories of those that were killed; their servers end with them, a moment later."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _wait_for_the_end(directory / "data/postmaster.pid")
            shutil.rmtree(directory)


def _wait_for_the_end(note: Path) -> None:
    until = time.monotonic() + START_SECONDS
    with contextlib.suppress(FileNotFoundError):  # the server removes it as its last act, or never wrote it
        process = Path("/proc") / note.read_text().split()[0]
        while process.exists() and time.monotonic() < until:
            time.sleep(0.05)


def new_password() -> str:
    """A password that is found wherever it is shown."""
    return f"rahasia-{secrets.token_hex(8)}"
