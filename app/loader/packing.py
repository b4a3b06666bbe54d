"""Writing a pack: see `app.pack`."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import polars as pl

from app.pack import (
    BODIES,
    DIGEST_BYTES,
    DIGESTS,
    KEYS,
    LARGEST_BODIES_BYTES,
    LENGTH_BITS,
    LONGEST_BODY_BYTES,
    PACKED,
    PLACES,
    TIMES,
    digest_of,
    key_of,
)

PACK_FROM_BYTES = 1400
"""Smaller documents fit one network packet, packed or not."""

COMPRESS_LEVEL = 6


class PackError(Exception):
    """The documents can't be packed."""


class PackWriter:
    """Writes the documents one table after the other, and at the end the index.

    Args:
        directory: Where the files go; it is there and empty.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._keys: list[bytes] = []
        self._digests: list[bytes] = []
        self._lengths: list[np.ndarray[tuple[int], np.dtype[np.uint64]]] = []
        self._content = hashlib.sha256()
        self.documents = 0
        self._bodies = (directory / BODIES).open("wb")

    def add(self, documents: pl.DataFrame) -> None:
        """Add documents.

        Args:
            documents: Columns `address` and `body`, both text.
        """
        addresses = [address.encode() for address in documents["address"]]
        bodies = [body.encode() for body in documents["body"]]
        self._add(addresses, bodies)
        self.documents += len(bodies)
        larger = [number for number, body in enumerate(bodies) if len(body) >= PACK_FROM_BYTES]
        packed = [gzip.compress(bodies[number], COMPRESS_LEVEL, mtime=0) for number in larger]
        self._add([addresses[number] + PACKED.encode() for number in larger], packed)

    def _add(self, addresses: list[bytes], bodies: list[bytes]) -> None:
        if max(map(len, bodies), default=0) > LONGEST_BODY_BYTES:
            raise PackError(f"a document is longer than {LONGEST_BODY_BYTES} bytes")
        written = b"".join(bodies)
        self._bodies.write(written)
        digests = b"".join(map(digest_of, addresses, bodies))
        self._content.update(digests)
        self._keys.append(b"".join(map(key_of, addresses)))
        self._digests.append(digests)
        self._lengths.append(np.fromiter(map(len, bodies), np.uint64, len(bodies)))

    def end(self, modified: int) -> str:
        """Write the index.

        Args:
            modified: When the documents became what they are, in unix seconds.

        Returns:
            The digest of all that is in it.

        Raises:
            PackError: Two addresses have one key, or it is too large.
        """
        self._bodies.close()
        keys = np.frombuffer(b"".join(self._keys), np.dtype("<u8"))
        digests = np.frombuffer(b"".join(self._digests), f"V{DIGEST_BYTES}")
        lengths = np.concatenate(self._lengths)
        ends = np.cumsum(lengths)
        if int(ends[-1]) >= LARGEST_BODIES_BYTES:
            raise PackError(f"the documents are more than {LARGEST_BODIES_BYTES} bytes")
        places = ((ends - lengths) << np.uint64(LENGTH_BITS)) | lengths
        order = np.argsort(keys)
        keys = keys[order]
        if len(keys) > 1 and bool((keys[1:] == keys[:-1]).any()):
            raise PackError("two addresses have one key")
        keys.tofile(self._directory / KEYS)
        places[order].astype("<u8").tofile(self._directory / PLACES)
        digests[order].tofile(self._directory / DIGESTS)
        np.full(len(keys), modified, "<u4").tofile(self._directory / TIMES)
        return self._content.hexdigest()
