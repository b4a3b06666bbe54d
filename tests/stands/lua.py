"""The program with which nginx reads a pack, in a LuaJIT of the tests' own."""

from pathlib import Path
from typing import Any, cast

from lupa.luajit21 import LuaRuntime

from tests.stands.lab import PROJECT

PROGRAM = PROJECT / "templates/app/etc/nginx/tegak/pack.lua.j2"
NEEDED = PROGRAM.with_name("current.lua.j2")

READ = """
function(pack, directory, address)
    local opened = pack.open(directory)
    if opened == nil then return "none", nil end
    local at = pack.find(opened, address)
    if at == nil then return "missing", nil end
    local body = pack.body(opened, at, address)
    if body == nil then return "damaged", nil end
    return "body", body
end
"""

PACKED = """
function(pack, directory, address)
    local opened = pack.open(directory)
    local at = pack.find(opened, address)
    return at and pack.packed(opened, at, address), at and pack.etag(opened, at), at and pack.modified(opened, at)
end
"""


class LuaReader:
    """Reads packs as nginx does."""

    def __init__(self) -> None:
        runtime = cast("Any", LuaRuntime)(encoding=None, unpack_returned_tuples=True)
        runtime.eval(b"function(text) package.preload.current = loadstring(text) end")(NEEDED.read_bytes())
        self.module = runtime.execute(PROGRAM.read_bytes())
        self._snapshot = runtime.eval(b"require('current').snapshot")
        self._read, self._packed = runtime.eval(READ.encode()), runtime.eval(PACKED.encode())

    def read(self, directory: Path, address: bytes) -> tuple[str, bytes | None]:
        """What there is at an address: `body` with it, or `missing`, `damaged`, `none` (no pack at all)."""
        said, body = self._read(self.module, str(directory).encode(), address)
        return said.decode(), body

    def packed(self, directory: Path, address: bytes) -> tuple[bytes | None, bytes, int]:
        """The packed form at an address, its ETag, and when it became what it is."""
        return self._packed(self.module, str(directory).encode(), address)

    def snapshot(self, link: Path, asked: bytes | None) -> tuple[str, str] | None:
        """The directory and the mark of the snapshot of which a request is answered; None where there is none."""
        directory, mark = self._snapshot(str(link).encode(), asked)
        return (directory.decode(), mark.decode()) if mark else None

    def takes_gzip(self, accepted: bytes | None) -> bool:
        """Whether a client with this Accept-Encoding gets what is packed."""
        return bool(self.module[b"takes_gzip"](accepted))
