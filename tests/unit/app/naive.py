"""The documents made one by one, the slow and obvious way: what the columns' documents are held against."""

import csv
import datetime as dt
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app import layout
from app.forms import CANDIDATES, Form, Rule
from app.layout import ABROAD

Votes = Sequence[int] | None


@dataclass
class Region:
    id: int
    path: tuple[int, ...]
    name: str
    children: list[int] = field(default_factory=list[int])
    rows: list[tuple[int, list[str]]] = field(default_factory=list[tuple[int, list[str]]])
    stations: int = 0
    entered: int = 0
    remarked: int = 0
    rules: dict[Rule, int] = field(default_factory=lambda: dict.fromkeys(Rule, 0))
    votes: list[int] = field(default_factory=lambda: [0] * len(CANDIDATES))

    @property
    def chart(self) -> Votes:
        return self.votes if self.entered else None

    @property
    def progress(self) -> dict[str, object]:
        rules = {rule.value: count for rule, count in self.rules.items()}
        return {"total": self.stations, "proses": self.entered, "catatan": {"formulir": self.remarked, **rules}}


def table(source: Path, name: str) -> list[list[str]]:
    packed, plain = source / f"{name}.csv.gz", source / f"{name}.csv"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
    return list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))[1:]


def keyed(votes: Votes) -> dict[str, int | None]:
    return dict(zip(CANDIDATES, votes if votes is not None else [None] * len(CANDIDATES), strict=True))


def naive_documents(source: Path, as_of: dt.datetime) -> dict[str, bytes]:
    """Every document of a source whose tables are in order, by its address."""
    tree: dict[int, Region] = {}
    for id_, parent, _, name in table(source, "regions"):
        if int(id_) == 0:
            tree[0] = Region(0, (), name)
            continue
        above = tree[int(parent)]
        above.children.append(int(id_))
        tree[int(id_)] = Region(int(id_), (*above.path, int(id_)), name)
    for number, row in enumerate(table(source, "tps")):
        tree[int(row[0])].rows.append((900_000_001 + number, row))
    found: dict[str, bytes] = {}
    for region in reversed(tree.values()):
        if len(region.path) == 4:
            of_kelurahan(region, as_of, found)
        else:
            of_region(region, tree, as_of, found)
    found[f"/{layout.CANDIDATE_NAMES}"] = layout.dump(layout.NAMES)
    found[f"/{layout.VERSION}"] = layout.version_body(as_of)
    return found


def station_name(region: Region, number: int) -> str:
    if region.path[0] == ABROAD and number > 2000:
        return f"KSK {number - 2000}"
    if region.path[0] == ABROAD and number > 1000:
        return f"POS {number - 1000}"
    return f"TPS {number}"


def of_kelurahan(region: Region, as_of: dt.datetime, found: dict[str, bytes]) -> None:
    names: dict[str, object] = {}
    votes: dict[str, object] = {}
    remarks: dict[str, dict[str, object]] = {}
    for id_, (_, number, male, female, *figures, time) in region.rows:
        form = Form(tuple(map(int, figures[:2])), *map(int, figures[2:])) if figures[0] else None
        names[str(id_)] = {"nama": station_name(region, int(number))}
        votes[str(id_)] = keyed(form and form.votes)
        region.stations += 1
        body: object = {}
        if form:
            region.entered += 1
            registered = int(male) + int(female) if int(male) >= 0 and int(female) >= 0 and region.path[0] > 0 else 0
            failed = form.remarks(registered or None)
            region.remarked += bool(failed)
            for rule in failed:
                region.rules[rule] += 1
            if failed or not time:
                remarks[str(id_)] = {"catatan": [rule.value for rule in failed]}
                remarks[str(id_)] |= {"terdaftar": registered} if Rule.REGISTERED in failed else {}
                remarks[str(id_)] |= {} if time else {"foto_pertama": None}
            region.votes = [mine + its for mine, its in zip(region.votes, form.votes, strict=True)]
            entered_at = dt.datetime.fromtimestamp(int(time), dt.UTC) if time else as_of
            body = {
                "pemilih_j": None,
                "suara_sah": form.valid,
                "ts": layout.local_time(entered_at),
                "chart": keyed(form.votes),
                "suara_tidak_sah": form.invalid,
                "suara_total": form.valid + form.invalid,
                "images": [],
                "pengguna_j": form.voters,
            }
        found[f"/{layout.count_file((*region.path, id_))}"] = layout.dump(body)
    add(region, names, votes, as_of, found)
    add_progress(region, remarks, found)


def of_region(region: Region, tree: Mapping[int, Region], as_of: dt.datetime, found: dict[str, bytes]) -> None:
    parts = sorted((tree[child] for child in region.children), key=lambda part: part.id == ABROAD)
    for part in parts:
        region.stations += part.stations
        region.entered += part.entered
        region.remarked += part.remarked
        region.rules = {rule: region.rules[rule] + part.rules[rule] for rule in Rule}
        region.votes = [mine + its for mine, its in zip(region.votes, part.votes, strict=True)]
    names = {str(part.id): {"nama": f"+{part.name}" if part.id == ABROAD else part.name} for part in parts}
    add(region, names, {str(part.id): keyed(part.chart) for part in parts}, as_of, found)
    add_progress(region, {str(part.id): part.progress for part in parts}, found)


def add_progress(region: Region, table: object, found: dict[str, bytes]) -> None:
    found[f"/{layout.progress_file(region.path)}"] = layout.dump({"progress": region.progress, "table": table})


def add(region: Region, names: object, votes: object, as_of: dt.datetime, found: dict[str, bytes]) -> None:
    count = {
        "ts": layout.local_time(as_of),
        "progress": {"total": region.stations, "proses": region.entered},
        "table": votes,
        "chart": keyed(region.chart),
    }
    found[f"/{layout.names_file(region.path)}"] = layout.dump(names)
    found[f"/{layout.count_file(region.path)}"] = layout.dump(count)
    if region.path == (ABROAD,):
        found["/static/json/wilayah/ln.json"] = layout.dump(names)
