"""A snapshot's documents in a few files: bodies end to end, and an index that finds one by its address.

    bodies-N    the documents, end to end; a segment for each of the snapshots from which it has some, N from 0 to 255
    keys        8 bytes an address, sorted: the first of its SHA-256, a little-endian number
    places      8 bytes each, in the order of the keys: the segment, where in it the body begins, whether the stamp
                comes before it, and how long it is (see `Place`)
    digests     16 bytes each: the first of the SHA-256 of its address, a byte that is 1 if it is stamped and 0 if not,
                and its body as it is stored
    times       4 bytes each: when it last became another one, in unix seconds, little-endian
    stamp       4 bytes, the snapshot's own such time; then the text with which all stamped documents begin

The time of the count stands in the document of every region. It is kept once, in the stamp, so that a new snapshot has
no new body for what has not changed but for it. A stamped document is the stamp's text and its body.

A larger document's packed form is stored beside it, at its address and `.gz`: as gzip makes it. That of a stamped one
gets gzip's frame and the stamp when it is asked for: what is stored are the CRC-32 and the length of its body, 4 bytes
each, little-endian, and the body as a deflate stream (RFC 1951).

A body that was altered, or that an altered index gives for another address, does not fit its digest, and is never read
as if it were right. Written by `app.loader.packing`, read here for pages and by the host's nginx (templates/app/).
"""

import hashlib
import mmap
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

FORMAT = 1
"""What a reader must know of a snapshot: the form of these files, and what documents there are. The manifest has it.

Whoever changes either gives it the next number, and READS with it, as long as this release can read the one before.
"""

READS = (FORMAT,)
"""The formats that this release reads; its own description (release.json) has them."""

KEYS, PLACES, DIGESTS, TIMES, STAMP = "keys", "places", "digests", "times", "stamp"
INDEX_FILES = (KEYS, PLACES, DIGESTS, TIMES)
KEY_BYTES, PLACE_BYTES, DIGEST_BYTES, TIME_BYTES = 8, 8, 16, 4

MOST_SEGMENTS = 256
LENGTH_BITS, STAMPED_BITS, OFFSET_BITS = 22, 1, 33
LONGEST_BODY_BYTES = 2**LENGTH_BITS - 1
LARGEST_SEGMENT_BYTES = 2**OFFSET_BITS

PACKED = ".gz"
"""Ends the address of a document's packed form, where there is one."""


class DamagedError(Exception):
    """The pack is not as it was built."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body is.

    Args:
        segment: The number of its file.
        offset: Where it begins there.
        stamped: Whether the stamp's text comes before it.
        length: Its bytes.
    """

    segment: int
    offset: int
    stamped: bool
    length: int

    @classmethod
    def of_number(cls, number: int) -> "Place":
        """As it is in the file."""
        return cls(
            number >> LENGTH_BITS + STAMPED_BITS + OFFSET_BITS,
            number >> LENGTH_BITS + STAMPED_BITS & LARGEST_SEGMENT_BYTES - 1,
            bool(number >> LENGTH_BITS & 1),
            number & LONGEST_BODY_BYTES,
        )


def segment_file(number: int) -> str:
    """The name of a segment's file."""
    return f"bodies-{number}"


def key_of(address: bytes) -> bytes:
    """The key of an address, as it is in the file."""
    return hashlib.sha256(address).digest()[:KEY_BYTES]


def digest_of(address: bytes, body: bytes, *, stamped: bool) -> bytes:
    """What a body at an address must fit."""
    return hashlib.sha256(b"%b%c%b" % (address, stamped, body)).digest()[:DIGEST_BYTES]


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
        self._digests = _mapped(directory / DIGESTS)
        self._keys = _mapped(directory / KEYS).cast("Q")
        self._places = _mapped(directory / PLACES).cast("Q")
        times = _mapped(directory / TIMES).cast("I")
        if not len(self._keys) == len(self._places) == len(times) == len(self._digests) / DIGEST_BYTES:
            raise DamagedError(f"the index of {directory} has not as many places, digests or times as keys")
        stamp = (directory / STAMP).read_bytes()
        self.modified, self._stamp = int.from_bytes(stamp[:TIME_BYTES], "little"), stamp[TIME_BYTES:]
        segments = {number: directory / segment_file(number) for number in range(MOST_SEGMENTS)}
        self._segments = {number: _mapped(path) for number, path in segments.items() if path.exists()}

    def __len__(self) -> int:
        return len(self._keys)

    def read(self, address: str) -> bytes | None:
        """The document at an address; None if the snapshot has none there.

        Raises:
            DamagedError: What is there is not what was built.
        """
        sought = address.encode()
        key = int.from_bytes(key_of(sought), "little")
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return None
        place = Place.of_number(self._places[at])
        segment = self._segments.get(place.segment, memoryview(b""))
        body = bytes(segment[place.offset : place.offset + place.length])
        if digest_of(sought, body, stamped=place.stamped) != bytes(
            self._digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]
        ):
            raise DamagedError(f"{address} in {self._directory} is not as it was built")
        return self._stamp + body if place.stamped else body


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        try:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:  # nothing can be mapped of an empty file
            raise DamagedError(f"{path} is empty") from error
