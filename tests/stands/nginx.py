"""An app host's nginx as it is deployed, in a folder: the rendered files of the role, with each path below the folder.

Debian's own nginx, unpacked and not installed; nothing needs root, and the system's nginx is not touched.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from tools.debian import Unpacked, unpacked
from tools.render import example, render

PACKAGES = (
    "nginx",
    "nginx-common",
    "libnginx-mod-http-lua",
    "libnginx-mod-http-ndk",
    "lua-resty-core",
    "lua-resty-lrucache",
    "libluajit-5.1-2",
    "libluajit2-5.1-2",
    "libpcre3",
)
START_SECONDS = 20
TEMPORARY = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")


class HostNginx:
    """A host's files below a folder, and its nginx.

    Args:
        root: The folder; what stands at /srv/tegak on a host stands at srv/tegak in it.
        listen: What it listens to instead of port 80: a port, or a socket in the folder.
        replaced: Words of its files to put other words for, each of which must be there.
    """

    def __init__(self, root: Path, listen: str | None = None, replaced: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.socket = root / "web.sock"
        self.listen = listen or f"unix:{self.socket}"
        self._programs = unpacked(*PACKAGES)
        for place in ("etc/nginx/tegak", "run/tegak", "var/log/nginx", "srv/tegak/snapshots", "unsent"):
            (root / place).mkdir(parents=True, exist_ok=True)
        (root / "etc/nginx/mime.types").write_bytes((self._programs.root / "etc/nginx/mime.types").read_bytes())
        own = [file for file in render("app", example()) if file.path.is_relative_to("/etc/nginx")]
        texts = {
            str(file.path.relative_to("/")): self._relocated(file.path.name, file.content.decode()) for file in own
        }
        for old, new in (replaced or {}).items():
            _require(old, "".join(texts.values()))
            texts = {path: text.replace(old, new) for path, text in texts.items()}
        for path, text in texts.items():
            (root / path).write_text(text, encoding="utf-8")

    def _relocated(self, name: str, text: str) -> str:
        """A file with each path below the folder, and nginx's own words for where it runs."""
        text = text.replace("/srv/tegak", f"{self.root}/srv/tegak")
        if name != "nginx.conf":
            return text
        unsent = unsent_in(self.root)
        replaced = {
            "/etc/nginx/": f"{self.root}/etc/nginx/",
            "/usr/lib/nginx/": f"{self._programs.root}/usr/lib/nginx/",
            "/run/": f"{self.root}/run/",
            "/var/log/": f"{self.root}/var/log/",
            "?.lua;;": f"?.lua;{self._programs.root}/usr/share/lua/5.1/?.lua;;",
            "listen 80 ": f"listen {self.listen} ",
            "user www-data;": "user root;",  # who runs the tests may be alone in reaching the folder
            "http {\n": f"http {{\n{unsent}",
        }
        for old, new in replaced.items():
            _require(old, text)
            text = text.replace(old, new)
        return text

    @contextlib.contextmanager
    def running(self) -> Generator[subprocess.Popen[bytes], None, None]:
        """Run it; in the end it is gone with its workers."""
        argv = [str(self._programs.root / "usr/sbin/nginx"), "-c", str(self.root / "etc/nginx/nginx.conf")]
        argv += ["-p", str(self.root), "-g", "daemon off;"]
        with (self.root / "nginx.log").open("ab") as log:
            process = subprocess.Popen(argv, env=self._programs.environment(), stderr=log, start_new_session=True)
        try:
            self._wait(process)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        pid, until = self.root / "run/nginx.pid", time.monotonic() + START_SECONDS
        while not (pid.exists() and pid.read_text().strip()):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"nginx did not start: {self.log()}")
            time.sleep(0.01)

    def log(self) -> str:
        """What it wrote to standard error."""
        return (self.root / "nginx.log").read_text(encoding="utf-8", errors="replace")


def unsent_in(root: Path) -> str:
    """Where nginx may put what it has not sent yet: lines of its configuration, for a folder with `unsent` in it."""
    return "".join(f"{part}_temp_path {root}/unsent/{part};\n" for part in TEMPORARY)


def _require(words: str, text: str) -> None:
    if words not in text:
        raise ValueError(f"the host's files have no {words!r}")


def programs() -> Unpacked:
    """Debian's nginx, for what is held against the host's."""
    return unpacked(*PACKAGES)
