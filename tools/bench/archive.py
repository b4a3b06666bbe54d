"""What the public archive of a nation's count takes on a disk: as changes, and as packs that share what is the same.

Run by `make bench-archive SOURCE=<directory>`: the count from its first form to its last, in as many publications as it
takes with 10,775 new forms each, in the order in which they came.
"""

import gzip
import sys
import tempfile
from pathlib import Path

from roles.artefacts.snapshot import StoredSnapshot, ensure_snapshot
from roles.on_host.archive_index import entry_of, index_of
from roles.stack.checkout import Checkout
from tools.bench.arrival import Arrival
from tools.bench.table import heading, row
from tools.bench.ticks import TICK_FORMS

PROJECT = Path(__file__).resolve().parents[2]
MB = 10**6


def _own_bytes(snapshot: StoredSnapshot, before: StoredSnapshot | None) -> int:
    """What a snapshot's files take that the one before has not."""
    known = {path.stat().st_ino for path in before.directory.iterdir()} if before else set[int]()
    found = [path.stat() for path in snapshot.directory.iterdir() if path.is_file()]
    return sum(each.st_size for each in found if each.st_ino not in known)


def main(source: Path) -> None:
    """Measure."""
    count = Arrival(source)
    wholes, changes, packs, entries = list[int](), list[int](), list[int](), list[dict[str, object]]()
    before: StoredSnapshot | None = None
    with tempfile.TemporaryDirectory(prefix="tegak-bench-", dir=PROJECT / ".cache") as directory:
        checkout = Checkout(Path(directory) / "checkout", "")
        checkout.project.mkdir()
        for name in ("app", ".secrets"):
            (checkout.project / name).symlink_to(PROJECT / name)
        for forms in [*range(TICK_FORMS, count.forms, TICK_FORMS), count.forms]:
            tables = count.write(Path(directory) / "tables", forms)
            shown = before.facts if before else None
            snapshot = ensure_snapshot(checkout, tables, None, shown=shown)
            parcel = (snapshot.changes if snapshot.made_of else snapshot.whole).parcel
            (changes if parcel.made_of else wholes).append(parcel.size_bytes)
            entries.insert(
                0, entry_of(snapshot.manifest_path.read_bytes(), parcel.made_of, parcel.size_bytes, parcel.sha256)
            )
            packs.append(_own_bytes(snapshot, before))
            before = snapshot
    index = index_of(entries)
    heading(f"The archive of {len(entries)} publications", "kept as", "MB in all", "MB of one made of the one before")
    row("changes", f"{(sum(wholes) + sum(changes)) / MB:.0f}", f"{sum(changes) / len(changes) / MB:.2f}")
    row("packs, with hard links", f"{sum(packs) / MB:.0f}", f"{sorted(packs)[len(packs) // 2] / MB:.1f}")
    print(f"\n    {len(wholes)} of them whole, {', '.join(f'{each / MB:.1f}' for each in wholes)} MB")
    print(f"    the index: {len(index) / 1000:.0f} kB, packed {len(gzip.compress(index)) / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
