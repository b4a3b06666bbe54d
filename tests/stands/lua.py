"""The program with which nginx reads a pack, in a LuaJIT of the tests' own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lupa.luajit21 import LuaRuntime

from tests.stands.lab import PROJECT

PROGRAM = PROJECT / "templates/app/etc/nginx/tegak/pack.lua.j2"
NEEDED = ("kept", "current")

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
        preload = runtime.eval(b"function(name, text) package.preload[name] = loadstring(text) end")
        for name in NEEDED:
            preload(name.encode(), PROGRAM.with_name(f"{name}.lua.j2").read_bytes())
        self._kept = runtime.eval(b"require('kept')")
        self.module = runtime.execute(PROGRAM.read_bytes())
        self._snapshot = runtime.eval(b"require('current').snapshot")
        self._value = runtime.eval(b"function(key, bytes) return { key = key, bytes = bytes } end")
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

    def room(self, size: int) -> "LuaRoom":
        """Room for values of so many bytes."""
        return LuaRoom(self._kept, self._kept[b"room"](size), self._value)

    def takes_gzip(self, accepted: bytes | None) -> bool:
        """Whether a client with this Accept-Encoding gets what is packed."""
        return bool(self.module[b"takes_gzip"](accepted))


@dataclass(frozen=True)
class LuaRoom:
    """Room in which a worker keeps values (kept.lua); each value here says its key."""

    module: Any
    room: Any
    value: Any

    def put(self, key: str, size: int) -> None:
        """Put a value of a size."""
        self.module[b"put"](self.room, key.encode(), self.value(key.encode(), size))

    def get(self, key: str) -> str | None:
        """What the value there says; None if there is none."""
        value = self.module[b"get"](self.room, key.encode())
        return value[b"key"].decode() if value else None

    def sizes(self) -> list[int]:
        """How many bytes are in each of its halves."""
        halves = (self.room[b"newer"], self.room[b"older"])
        return [sum(value[b"bytes"] for value in half.values()) for half in halves]
