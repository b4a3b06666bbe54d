"""A pack's index as sorted columns: see `app.pack`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.pack import DIGEST_BYTES, DIGESTS, KEYS, LENGTH_BITS, OFFSET_BITS, PLACES, STAMPED_BITS, TIMES

Column = np.ndarray[tuple[int], np.dtype[Any]]
_KEY, _PLACE, _DIGEST, _TIME = np.dtype("<u8"), np.dtype("<u8"), np.dtype(f"V{DIGEST_BYTES}"), np.dtype("<u4")


@dataclass(frozen=True)
class Index:
    """The columns, of one length and in the order of the keys."""

    keys: Column
    places: Column
    digests: Column
    times: Column

    @classmethod
    def of(cls, keys: bytes, places: Column, digests: bytes, modified: int) -> "Index":
        """In whatever order they are; all became what they are at the same time."""
        found = np.frombuffer(keys, _KEY)
        order = np.argsort(found, kind="stable")
        times = np.full(len(found), modified, _TIME)
        return cls(found[order], places[order], np.frombuffer(digests, _DIGEST)[order], times)

    @classmethod
    def read(cls, directory: Path) -> "Index":
        """The index of a pack."""
        kinds = ((KEYS, _KEY), (PLACES, _PLACE), (DIGESTS, _DIGEST), (TIMES, _TIME))
        return cls(*(np.fromfile(directory / name, kind) for name, kind in kinds))

    def write(self, directory: Path) -> None:
        """Write its files."""
        for name, column in ((KEYS, self.keys), (PLACES, self.places), (DIGESTS, self.digests), (TIMES, self.times)):
            column.tofile(directory / name)

    @property
    def segments(self) -> list[int]:
        """The numbers of the segments in which there is something, ascending."""
        return np.unique(self.places >> np.uint64(64 - 8)).tolist()

    @property
    def live_bytes(self) -> int:
        """How much of the segments is in use."""
        return int((self.places & np.uint64(2**LENGTH_BITS - 1)).sum())

    def knows(self, keys: bytes) -> Column:
        """Of each key, whether it is there."""
        sought = np.frombuffer(keys, _KEY)
        return self.keys[self._where(sought)] == sought

    def has(self, keys: bytes, digests: bytes) -> Column:
        """Of each key, whether it is there with this digest."""
        sought = np.frombuffer(keys, _KEY)
        at = self._where(sought)
        return (self.keys[at] == sought) & (self.digests[at] == np.frombuffer(digests, _DIGEST))

    def amended(self, new: "Index", removed: bytes) -> "Index":
        """This one with other entries, and without the removed ones."""
        gone = np.concatenate([np.frombuffer(removed, _KEY), new.keys])
        at = self._where(gone)
        kept = np.ones(len(self.keys), np.bool_)
        kept[at[self.keys[at] == gone]] = False
        keys = self.keys[kept]
        into = np.searchsorted(keys, new.keys)
        return Index(
            np.insert(keys, into, new.keys),
            np.insert(self.places[kept], into, new.places),
            np.insert(self.digests[kept], into, new.digests),
            np.insert(self.times[kept], into, new.times),
        )

    def with_times_of(self, other: "Index") -> "Index":
        """This one, with the other's times of what is the same in both."""
        at = other._where(self.keys)  # noqa: SLF001  # its own kind
        same = (other.keys[at] == self.keys) & (other.digests[at] == self.digests)
        return Index(self.keys, self.places, self.digests, np.where(same, other.times[at], self.times).astype(_TIME))

    def _where(self, keys: Column) -> Column:
        """Where each key is, if it is there."""
        return np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)


def place_numbers(segment: int, offsets: Column, stamped: Column, lengths: Column) -> Column:
    """Places as they are in the file; see `app.pack.Place`."""
    shift = np.uint64(LENGTH_BITS + STAMPED_BITS)
    number = np.uint64(segment) << np.uint64(OFFSET_BITS) | offsets
    return (number << shift | stamped << np.uint64(LENGTH_BITS) | lengths).astype(_PLACE)
