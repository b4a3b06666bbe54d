"""A snapshot's documents in a few files: bodies end to end, and an index that finds one by its address.

    bodies      the documents, end to end
    keys        8 bytes an address, sorted: the first of its SHA-256, a little-endian number
    places      8 bytes each, in the order of the keys: where its body begins, and how long it is
    digests     16 bytes each: the first of the SHA-256 of its address, a zero byte and its body
    times       4 bytes each: when it last became another one, in unix seconds, little-endian

A body that was altered, or that an altered index gives for another address, does not fit its digest, and is never read
as if it were right. Written by `app.loader.packing`, read here for pages and by the host's nginx (templates/app/).
"""

import hashlib
import mmap
from bisect import bisect_left
from pathlib import Path

BODIES, KEYS, PLACES, DIGESTS, TIMES = "bodies", "keys", "places", "digests", "times"
FILES = (BODIES, KEYS, PLACES, DIGESTS, TIMES)
KEY_BYTES = 8
DIGEST_BYTES = 16

LENGTH_BITS = 22
LONGEST_BODY_BYTES = 2**LENGTH_BITS - 1
LARGEST_BODIES_BYTES = 2 ** (64 - LENGTH_BITS)

PACKED = ".gz"
"""Ends the address of a document's packed form, where there is one."""


class DamagedError(Exception):
    """The pack is not as it was built."""


def key_of(address: bytes) -> bytes:
    """The key of an address, as it is in the file."""
    return hashlib.sha256(address).digest()[:KEY_BYTES]


def digest_of(address: bytes, body: bytes) -> bytes:
    """What a body at an address must fit."""
    return hashlib.sha256(b"%b\0%b" % (address, body)).digest()[:DIGEST_BYTES]


class Pack:
    """A pack, mapped: what is read of it stays in the machine's memory, whoever reads it next.

    Args:
        directory: Where its files are.

    Raises:
        FileNotFoundError: There is none.
        DamagedError: Its files don't fit each other.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bodies, self._digests = _mapped(directory / BODIES), _mapped(directory / DIGESTS)
        self._keys = _mapped(directory / KEYS).cast("Q")
        self._places = _mapped(directory / PLACES).cast("Q")
        times = _mapped(directory / TIMES).cast("I")
        if not len(self._keys) == len(self._places) == len(times) == len(self._digests) / DIGEST_BYTES:
            raise DamagedError(f"the index of {directory} has not as many places, digests or times as keys")

    def __len__(self) -> int:
        return len(self._keys)

    def read(self, address: str) -> bytes | None:
        """The body at an address; None if the snapshot has none there.

        Raises:
            DamagedError: What is there is not what was built.
        """
        sought = address.encode()
        key = int.from_bytes(key_of(sought), "little")
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return None
        place = self._places[at]
        begin, length = place >> LENGTH_BITS, place & LONGEST_BODY_BYTES
        body = bytes(self._bodies[begin : begin + length])
        if digest_of(sought, body) != bytes(self._digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]):
            raise DamagedError(f"{address} in {self._directory} is not as it was built")
        return body


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        try:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:  # nothing can be mapped of an empty file
            raise DamagedError(f"{path} is empty") from error
