"""The release's own results service, run here on the snapshot: what is in the bucket is what a host would answer.

It is started as a host's systemd starts it (templates/app/etc/systemd/system/tegak-results.service.j2), from the files
that a host unpacks, so that a page in the bucket has one origin with the page on a host.
"""

import contextlib
import hashlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from app.snapshot import COMPLETE
from infra.bridge.errors import OperatorError

READY_SECONDS = 30
ANSWER_SECONDS = 30
END_SECONDS = 15
CONNECTIONS = 4
"""To each process: while one answer is on its way, the next one is rendered."""

NOT_ABOUT_ANSWERS = {"loader", "__init__.py", "__main__.py", "requirements.in", "requirements.lock", "__pycache__"}
LOOK_DIGITS = 16

OK = 200


@dataclass(frozen=True)
class PageAnswer:
    """What the service answers to a path."""

    body: bytes
    content_type: str
    cache_control: str


class PageService:
    """The service's answers, whoever of several threads asks.

    Args:
        sockets: Where its processes listen.
    """

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._connections = [_Connection(path) for _ in range(CONNECTIONS) for path in sockets]
        self._free: SimpleQueue[_Connection] = SimpleQueue()
        for connection in self._connections:
            self._free.put(connection)

    def answer(self, path: str) -> PageAnswer:
        """Ask for a path.

        Raises:
            OperatorError: The service has no page there, or doesn't answer.
        """
        connection = self._free.get()
        try:
            response, body = connection.get(path)
        except (OSError, http.client.HTTPException) as error:
            raise OperatorError(f"the results service, run here to fill the bucket, ended: {error}") from error
        finally:
            self._free.put(connection)
        if response.status != OK:
            raise OperatorError(f"the results service, run here to fill the bucket, answers {path} {response.status}")
        return PageAnswer(body, response.headers["Content-Type"], response.headers["Cache-Control"])

    def close(self) -> None:
        """Close all connections, once nobody asks any more."""
        for connection in self._connections:
            connection.close()


@contextmanager
def running(release: Path, snapshot: Path, processes: int | None = None) -> Generator[PageService, None, None]:
    """Run the service.

    Args:
        release: A release, unpacked.
        snapshot: A snapshot, unpacked.
        processes: How many; one for each processor if None.

    Raises:
        OperatorError: It doesn't become ready.
    """
    count = processes or os.cpu_count() or 1
    # Not below the checkout: the path of a unix socket has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="tegak-site-") as directory, ExitStack() as stack:
        sockets = [Path(directory) / f"{number}.sock" for number in range(count)]
        for path in sockets:
            stack.enter_context(_process(path, release, snapshot))
        with contextlib.closing(PageService(sockets)) as service:
            yield service


def unpack(archive: Path, directory: Path) -> Path:
    """Unpack a release or snapshot that was checked, without the packed forms of its files.

    Raises:
        OperatorError: The disk is full, or it is no archive.
    """
    directory.mkdir(parents=True)
    argv = ["tar", "-xzf", str(archive), "-C", str(directory), "--exclude=*.gz", "--no-same-owner"]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        words = (result.stderr.strip().splitlines() or ["no message"])[0]
        raise OperatorError(f"{archive.name} can't be unpacked here: {words}", next_command="df -h . && df -i .")
    (directory / COMPLETE).touch()
    return directory


def look_of(release: Path) -> str:
    """The digest of the code that decides what an unpacked release answers; the same for two that differ elsewhere."""
    digest = hashlib.sha256()
    code = release / "lib/app"
    for file in sorted(path for path in code.rglob("*") if path.is_file()):
        name = file.relative_to(code)
        if name.parts[0] not in NOT_ABOUT_ANSWERS:
            digest.update(f"{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:LOOK_DIGITS]


@contextmanager
def _process(path: Path, release: Path, snapshot: Path) -> Generator[None, None, None]:
    """One process: with the release's own libraries, and nothing of ours, credentials least of all."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(release / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEGAK_HOST": "bucket",
        "TEGAK_LOCATION": "bucket",
        "TEGAK_RELEASE_DIR": str(release),
        "TEGAK_SNAPSHOT_DIR": str(snapshot),
        "TEGAK_ALTERED": os.devnull,
    }
    log = path.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "--uds", str(path)],
            cwd=path.parent,  # Python looks there first, and this checkout has an `app` of its own
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt of ours lets it answer what was asked
        )
    try:
        _wait_until_ready(process, path, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", path: Path, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(_Connection(path)) as asking:
            asking.request("GET", "/healthz")
            if asking.getresponse().status == OK:
                return
        time.sleep(0.1)
    words = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it says nothing"])[-1]
    raise OperatorError(f"the results service of {path.name} does not become ready here: {words}")


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("bucket", timeout=ANSWER_SECONDS)
        self._path = path

    def get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask for a path; once more where the service has closed the connection, as it does after five idle seconds."""
        try:
            return self._ask(path)
        except ConnectionError:
            return self._ask(path)

    def _ask(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            self.request("GET", path)
            response = self.getresponse()
            return response, response.read()
        except BaseException:
            self.close()  # the next request opens it anew
            raise

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise
