"""Runs on a host, before the programs that read or write its audit log; with its own Python and nothing else.

The log is a file of JSON lines that only grows. Beside it is kept what is decisive in it: for each thing that entries
decide (see `decided`) the newest that does. So a look takes as long after a year as on the first day. That file is a
copy and no more: what was written since is read from the log, and where it doesn't fit the log, all of it is.
"""

import json
import os
import zlib
from datetime import datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

NEEDED = ("id", "at", "action", "operator")
TYPES = {
    "id": (str,),
    "order": (int,),
    "at": (str,),
    "action": (str,),
    "operator": (dict,),
    "reason": (str,),
    "result": (str,),
    "release": (str, type(None)),
    "snapshot": (str, type(None)),
    "stations_entered": (int,),
    "location": (str, type(None)),
    "previous": (str, type(None)),
    "dropped": (list,),
    "seconds": (int, float),
    "emergency": (bool,),
}
DETAILS = ("hosts", "steps")
"""What an entry says of each host: most of its bytes, and nothing is decided by it."""

SECONDS = 10**9
TAIL_BYTES = 4096
BLOCK_BYTES = 65536


def document_of(line: bytes) -> "dict[str, Any] | None":
    """The entry that a line is; None if it is none."""
    try:
        found: dict[str, Any] = json.loads(line)
        return found if type(found) is dict and is_entry(found) else None
    except (ValueError, RecursionError):
        return None


def is_entry(found: "dict[str, Any]") -> bool:
    """Whether a document has what an entry must have: `roles.hosts.audit` must not find fault with what is decisive."""
    if any(name not in found for name in NEEDED):
        return False
    if any(type(found[name]) not in types for name, types in TYPES.items() if name in found):
        return False
    operator: dict[str, Any] = found["operator"]
    texts: list[Any] = [*operator.values(), *found.get("dropped", ())]
    if set(operator) != {"who", "machine"} or any(type(text) is not str for text in texts):
        return False
    texts += [found[name] for name in TYPES if type(found.get(name)) is str]
    "".join(texts).encode()  # half of a character is a ValueError
    instant = datetime.fromisoformat(found["at"]).isoformat()
    in_utc = instant.endswith("+00:00") and instant.replace("+00:00", "Z") == found["at"]
    return in_utc and bool(found["id"]) and found.get("order", 0) >= 0 and 0 <= found.get("seconds", 0) < SECONDS


def decided(entry: "dict[str, Any]") -> "list[str]":
    """What an entry decides, until a newer one decides it."""
    action, release = entry["action"], entry.get("release")
    if entry.get("result", "ok") != "ok":
        return [f"tried {release}"] if release else []
    found = [f"done {action}"]
    if action in {"deploy", "rollback"} and release:
        found += [f"activated {release}", *(f"release {name}" for name in (release, *entry.get("dropped", ())))]
    if action in {"freeze", "unfreeze"}:
        found.append("frozen")
    if action in {"mark-bad", "mark-good"}:
        found.append(f"marked {release}")
    if action in {"drain-location", "undrain-location"}:
        found.append(f"drained {entry.get('location')}")
    return found


def rank(entry: "dict[str, Any]") -> "tuple[int, str]":
    """Where an entry stands among all: no clock is asked."""
    return entry.get("order", 0), entry["id"]


class Digest:
    """What is decisive in the first bytes of a log.

    Attributes:
        read_bytes: So many.
        refused: Lines in them that are no entries.
        newest: The id of the last entry in them.
        order: The highest order in them.
        decisive: The newest entry of each thing that is decided.
    """

    def __init__(self) -> None:
        self.read_bytes = self.refused = self.order = 0
        self.newest = ""
        self.decisive: dict[str, dict[str, Any]] = {}

    def take(self, line: bytes) -> None:
        """Read one more line."""
        self.read_bytes += len(line)
        entry = document_of(line)
        if entry is None:
            self.refused += bool(line.strip())
            return
        self.newest = entry["id"]
        self.order = max(self.order, entry.get("order", 0))
        self.decide({name: value for name, value in entry.items() if name not in DETAILS})

    def decide(self, entry: "dict[str, Any]") -> None:
        """Let an entry decide what no newer one does."""
        for what in decided(entry):
            if what not in self.decisive or rank(self.decisive[what]) < rank(entry):
                self.decisive[what] = entry

    def entries(self) -> "list[dict[str, Any]]":
        """Each of the decisive entries, once."""
        return sorted({rank(entry): entry for entry in self.decisive.values()}.values(), key=rank)


def tail_sum(log: "BinaryIO", end: int) -> int:
    """A sum over the last bytes before some place in a log: another log has another one."""
    log.seek(max(0, end - TAIL_BYTES))
    return zlib.crc32(log.read(min(end, TAIL_BYTES)))


def kept_digest(path: str, log: "BinaryIO") -> Digest:
    """The digest that is kept; an empty one if there is none, or it is of another log."""
    digest = Digest()
    try:
        with open(path, "rb") as file:
            kept = json.loads(file.read())
        if tail_sum(log, kept["read_bytes"]) != kept["tail_sum"] or log.tell() != kept["read_bytes"]:
            return digest
        digest.newest, digest.order, digest.refused = kept["newest"], kept["order"], kept["refused"]
        digest.read_bytes = kept["read_bytes"]
        for entry in kept["decisive"]:
            digest.decide(entry)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Digest()
    return digest


def read_digest(log: str, digest: str) -> Digest:
    """What a log says in short: as it is kept, and what was written since."""
    if not os.path.exists(log):
        return Digest()
    with open(log, "rb") as file:
        found = kept_digest(digest, file)
        file.seek(found.read_bytes)
        for line in file:
            found.take(line)
    return found


def start_of_last(log: "BinaryIO", count: int) -> int:
    """Where the last lines of a log begin."""
    position = log.seek(0, os.SEEK_END)
    left = count + 1  # the line feed that ends the last one is none of theirs
    while position > 0:
        size = min(BLOCK_BYTES, position)
        position -= size
        log.seek(position)
        block = log.read(size)
        found = block.count(b"\n")
        if found >= left:
            index = size
            for _ in range(left):
                index = block.rindex(b"\n", 0, index)
            return position + index + 1
        left -= found
    return 0


def newest_entries(log: str, count: int, *, details: bool) -> "list[dict[str, Any]]":
    """The entries among the last lines of a log; with what they say of each host, or without."""
    if not count or not os.path.exists(log):
        return []
    with open(log, "rb") as file:
        file.seek(start_of_last(file, count))
        entries = [entry for line in file if (entry := document_of(line)) is not None]
    left_out = () if details else DETAILS
    return [{name: value for name, value in entry.items() if name not in left_out} for entry in entries]
