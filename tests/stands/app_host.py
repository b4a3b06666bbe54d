"""An app host in a folder: its nginx with the deployed files, and the real results service behind it."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.snapshot import COMPLETE
from tests.stands.lab import PROJECT
from tests.stands.nginx import HostNginx
from tests.stands.waiting import until

PATIENCE_SECONDS = 20

SERVICE = """
import asyncio, pathlib, sys
from app.service import Service, ServiceSettings
import uvicorn
root = pathlib.Path(sys.argv[1])
place = root / "srv/tegak"
settings = ServiceSettings("a", "b", place / "current", place / "snapshots/current", root / "altered")
application = Service(settings).application()
async def asked(scope, receive, send):
    with (root / "asked").open("a") as said:
        said.write(scope["path"] + "\\n")
    while (root / "hold").exists():
        await asyncio.sleep(0.002)
    if (root / "broken").exists():
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"broken"})
        return
    async def cut(message):
        if (root / "cut").exists() and message["type"] == "http.response.start":
            length = {b"content-length"}
            message["headers"] = [(n, b"9" + v if n in length else v) for n, v in message["headers"]]
        await send(message)
    await application(scope, receive, cut)
config = uvicorn.Config(asked, uds=str(root / "run/tegak/results.sock"), lifespan="off", server_header=False)
uvicorn.Server(config).run()
"""
"""The service, which says what it was asked, and waits, fails or stops half-way while a file says so."""


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_SECONDS)
        self.sock.connect(str(self._path))


class AppHost:
    """The host.

    Args:
        root: Its folder; of a path that is short enough for a socket in it.
        replaced: Words of nginx's files to put other words for.
    """

    def __init__(self, root: Path, replaced: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.nginx = HostNginx(root, replaced=replaced)
        self._service: subprocess.Popen[bytes] | None = None
        self.release("1.0.0-0123456789")

    def release(self, name: str) -> None:
        """Switch to a release; the service goes on with the one before until it is restarted."""
        directory = self.root / "srv/tegak/releases" / name
        if not directory.exists():
            directory.mkdir(parents=True)
            (directory / "release.json").write_text(f'{{"release":"{name}"}}')
            (directory / COMPLETE).touch()
        point(self.root / "srv/tegak/current", directory)

    def receive(self, snapshot: Path, name: str) -> Path:
        """Take a snapshot, under a name, as if it had just arrived; return where it is."""
        directory = self.root / "srv/tegak/snapshots" / name
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(snapshot, directory)
        (directory / COMPLETE).touch()
        return directory

    def publish(self, name: str) -> None:
        """Switch to a snapshot that is there."""
        point(self.root / "srv/tegak/snapshots/current", self.root / "srv/tegak/snapshots" / name)

    def start(self) -> None:
        """Start the service, and wait until it listens."""
        path = self.root / "run/tegak/results.sock"
        path.unlink(missing_ok=True)
        argv = [sys.executable, "-c", SERVICE, str(self.root)]
        with (self.root / "service.log").open("ab") as log:
            self._service = subprocess.Popen(argv, cwd=PROJECT, stderr=log)
        with socket.socket(socket.AF_UNIX) as link:
            until(lambda: link.connect_ex(str(path)) == 0, PATIENCE_SECONDS)

    def stop(self) -> None:
        """End the service."""
        if self._service:
            self._service.terminate()
            self._service.wait(10)
            self._service = None

    def get(self, target: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Got:
        """Ask the host's nginx."""
        connection = _Connection(self.nginx.socket)
        try:
            connection.request(method, target, headers=headers or {})
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            assert len(named) == len(answer.getheaders()), "a header is there twice"
            return Got(answer.status, named, answer.read())
        finally:
            connection.close()

    def asked(self) -> list[str]:
        """What the service was asked since this was last called."""
        path = self.root / "asked"
        paths = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return paths


def point(link: Path, target: Path) -> None:
    """Switch a link as a host does."""
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    os.symlink(target, new)  # noqa: PTH211  # beside the rename that it is for
    new.replace(link)
