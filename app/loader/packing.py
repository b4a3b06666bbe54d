"""Writing a pack: see `app.pack`. From nothing, or from another one, of which only what has changed is written anew."""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from app.loader.pack_index import Index, place_numbers
from app.pack import (
    DIGEST_BYTES,
    KEY_BYTES,
    LARGEST_SEGMENT_BYTES,
    LONGEST_BODY_BYTES,
    MOST_SEGMENTS,
    PACKED,
    STAMP,
    TIME_BYTES,
    digest_of,
    key_of,
    segment_file,
)

PACK_FROM_BYTES = 1400
"""Smaller documents fit one network packet, packed or not."""

COMPRESS_LEVEL = 6


class PackError(Exception):
    """The documents can't be packed."""


@dataclass(frozen=True)
class Documents:
    """Documents of one kind.

    Args:
        table: Columns `address` and `body`, both text. A body that is null: there is no such document.
        stamped: Whether the stamp's text comes before each of the bodies.
    """

    table: pl.DataFrame
    stamped: bool = False


@dataclass(frozen=True)
class Previous:
    """The pack that another one is made from.

    Args:
        name: Its snapshot's.
        directory: Where its files are.
        index: Its index.
    """

    name: str
    directory: Path
    index: Index


@dataclass
class Changes:
    """What a pack has otherwise than the one that it was made from; with the new segment, enough to make it of that.

    Args:
        segment: The number of the new segment.
        addresses: Of the documents in it, in its order; empty where the pack was made of no other.
        lengths: Of their bodies.
        stamped: Whether they are, 0 or 1.
        removed: The addresses that there are no more.
    """

    segment: int
    addresses: list[str] = field(default_factory=list[str])
    lengths: list[int] = field(default_factory=list[int])
    stamped: list[int] = field(default_factory=list[int])
    removed: list[str] = field(default_factory=list[str])


class PackWriter:
    """Writes the documents one table after the other, and at the end the index.

    Args:
        directory: Where the files go; it is there and empty.
        stamp: The text with which stamped documents begin.
        previous: The pack that this one is made from: documents that are not added stay as they are there.
    """

    def __init__(self, directory: Path, stamp: str = "", previous: Previous | None = None) -> None:
        self._directory, self._stamp, self._previous = directory, stamp.encode(), previous
        numbers = previous.index.segments if previous else []
        self.changes = Changes(numbers[-1] + 1 if numbers else 0)
        self._keys: list[bytes] = []
        self._digests: list[bytes] = []
        self._removed: list[bytes] = []
        if self.changes.segment >= MOST_SEGMENTS:
            raise PackError(f"a pack has at most {MOST_SEGMENTS} segments")
        self._bodies = (directory / segment_file(self.changes.segment)).open("wb")

    def close(self) -> None:
        """Give up, unless it has ended."""
        self._bodies.close()

    def add(self, documents: Documents) -> None:
        """Add documents; those that are as they were are left where they are."""
        texts, bodies = documents.table["address"].to_list(), documents.table["body"].to_list()
        if None in bodies:
            self._remove([text for text, body in zip(texts, bodies, strict=True) if body is None])
            texts = [text for text, body in zip(texts, bodies, strict=True) if body is not None]
        written = [body.encode() for body in bodies if body is not None]
        texts, written = self._write(texts, written, stamped=documents.stamped)
        begins = PACK_FROM_BYTES - (len(self._stamp) if documents.stamped else 0)
        larger = [n for n, body in enumerate(written) if len(body) >= begins]
        pack = packed_after_stamp if documents.stamped else _gzip
        packed = [pack(written[n]) for n in larger]
        self._write([f"{texts[n]}{PACKED}" for n in larger], packed, stamped=documents.stamped)
        if self._previous:
            small = [text for text, body in zip(texts, written, strict=True) if len(body) < begins]
            self._remove_exactly([f"{text}{PACKED}" for text in small])

    def _write(self, texts: list[str], bodies: list[bytes], *, stamped: bool) -> tuple[list[str], list[bytes]]:
        """Write those that are not as they were; these."""
        addresses = [text.encode() for text in texts]
        digest = partial(digest_of, stamped=stamped)
        if max(map(len, bodies), default=0) > LONGEST_BODY_BYTES:
            raise PackError(f"a document is longer than {LONGEST_BODY_BYTES} bytes")
        keys, digests = b"".join(map(key_of, addresses)), b"".join(map(digest, addresses, bodies))
        if self._previous:
            new = np.flatnonzero(~self._previous.index.has(keys, digests)).tolist()
            texts, bodies = [texts[n] for n in new], [bodies[n] for n in new]
            keys = b"".join(keys[n * KEY_BYTES : (n + 1) * KEY_BYTES] for n in new)
            digests = b"".join(digests[n * DIGEST_BYTES : (n + 1) * DIGEST_BYTES] for n in new)
            self.changes.addresses += texts
        self._bodies.write(b"".join(bodies))
        self._keys.append(keys)
        self._digests.append(digests)
        self.changes.lengths += map(len, bodies)
        self.changes.stamped += [int(stamped)] * len(bodies)
        return texts, bodies

    def _remove(self, texts: list[str]) -> None:
        self._remove_exactly([*texts, *(f"{text}{PACKED}" for text in texts)])

    def _remove_exactly(self, texts: list[str]) -> None:
        if not self._previous:
            return
        keys = b"".join(key_of(text.encode()) for text in texts)
        there = np.flatnonzero(self._previous.index.knows(keys)).tolist()
        self.changes.removed += [texts[n] for n in there]
        self._removed += [keys[n * KEY_BYTES : (n + 1) * KEY_BYTES] for n in there]

    def end(self, modified: int, *, times_of: Index | None = None) -> str:
        """Write the index, and the stamp.

        Args:
            modified: When the documents that are new became what they are, in unix seconds.
            times_of: Another pack's index: what is as it was there became so when it says.

        Returns:
            The digest of all that is in it, which doesn't hang on when or from what it was made.

        Raises:
            PackError: Two addresses have one key, or it is too large.
        """
        self._bodies.close()
        index = self._index(modified)
        if times_of:
            index = index.with_times_of(times_of)
        if bool((index.keys[1:] == index.keys[:-1]).any()):
            raise PackError("two addresses have one key")
        index.write(self._directory)
        (self._directory / STAMP).write_bytes(modified.to_bytes(TIME_BYTES, "little") + self._stamp)
        self._link_segments(index)
        return hashlib.sha256(index.keys.tobytes() + index.digests.tobytes() + self._stamp).hexdigest()

    def _index(self, modified: int) -> Index:
        changes, lengths = self.changes, np.array(self.changes.lengths, np.uint64)
        ends = np.cumsum(lengths)
        if len(ends) and int(ends[-1]) > LARGEST_SEGMENT_BYTES:
            raise PackError(f"the documents are more than {LARGEST_SEGMENT_BYTES} bytes")
        stamped = np.array(changes.stamped, np.uint64)
        places = place_numbers(changes.segment, ends - lengths, stamped, lengths)
        new = Index.of(b"".join(self._keys), places, b"".join(self._digests), modified)
        return self._previous.index.amended(new, b"".join(self._removed)) if self._previous else new

    def _link_segments(self, index: Index) -> None:
        """Take over the segments that are still in use; the new one goes where nothing is in it."""
        own = self.changes.segment
        if own not in index.segments:
            (self._directory / segment_file(own)).unlink()
        for number in index.segments:
            if self._previous and number != own:
                os.link(self._previous.directory / segment_file(number), self._directory / segment_file(number))


def packed_after_stamp(body: bytes) -> bytes:
    """The packed form of a stamped document (see `app.pack`)."""
    deflating = zlib.compressobj(COMPRESS_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    return head + deflating.compress(body) + deflating.flush()


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, COMPRESS_LEVEL, mtime=0)
