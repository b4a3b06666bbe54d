"""The documents made one by one, the slow and obvious way: what the columns' documents are held against."""

import csv
import datetime as dt
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app import layout
from app.election import Election
from app.forms import Form, Rule

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
    votes: list[int] = field(default_factory=list[int])
    code: str = ""

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


def keyed(election: Election, votes: Votes) -> dict[str, int | None]:
    keys = election.keys
    return dict(zip(keys, votes if votes is not None else [None] * len(keys), strict=True))


def naive_documents(election: Election, source: Path, as_of: dt.datetime) -> dict[str, bytes]:
    """Every document of the layout of 2019 of a source whose tables are in order, by its address."""
    tree: dict[int, Region] = {}
    for id_, parent, _, name, *code in table(source, "regions"):
        if int(id_) == 0:
            tree[0] = Region(0, (), name, votes=[0] * len(election.keys))
            continue
        above = tree[int(parent)]
        above.children.append(int(id_))
        tree[int(id_)] = Region(
            int(id_), (*above.path, int(id_)), name, votes=[0] * len(election.keys), code="".join(code)
        )
    for number, row in enumerate(table(source, "tps")):
        tree[int(row[0])].rows.append((900_000_001 + number, row))
    found: dict[str, bytes] = {}
    for region in reversed(tree.values()):
        if len(region.path) == 4:
            of_kelurahan(election, region, as_of, found)
        else:
            of_region(election, region, tree, as_of, found)
    names = {each.key: {"nama": each.name, "nomor_urut": str(each.number)} for each in election.candidates}
    found[f"/static/json/{election.code}.json"] = layout.dump(names)
    found[f"/{layout.VERSION}"] = layout.version_body(as_of)
    return found


def station_name(election: Election, region: Region, number: int) -> str:
    if region.path[0] == election.abroad and number > 2000:
        return f"KSK {number - 2000}"
    if region.path[0] == election.abroad and number > 1000:
        return f"POS {number - 1000}"
    return f"TPS {number}"


def of_kelurahan(election: Election, region: Region, as_of: dt.datetime, found: dict[str, bytes]) -> None:
    names: dict[str, object] = {}
    votes: dict[str, object] = {}
    remarks: dict[str, dict[str, object]] = {}
    many = len(election.keys)
    for id_, (_, number, male, female, *figures, time) in region.rows:
        rest = [int(text) if text else None for text in figures[many : many + 3]]
        form = Form(tuple(map(int, figures[:many])), *rest) if figures[0] else None
        names[str(id_)] = {"nama": station_name(election, region, int(number))}
        votes[str(id_)] = keyed(election, form and form.votes)
        region.stations += 1
        body: object = {}
        if form:
            region.entered += 1
            registered = int(male) + int(female) if int(male) >= 0 and int(female) >= 0 else 0
            registered = 0 if region.path[0] == election.abroad else registered
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
                "chart": keyed(election, form.votes),
                "suara_tidak_sah": form.invalid,
                "suara_total": form.total,
                "images": [],
                "pengguna_j": form.voters,
            }
        found[f"/{layout.count_file(election.code, (*region.path, id_))}"] = layout.dump(body)
    add(election, region, names, votes, as_of, found)
    add_progress(election, region, remarks, found)


def of_region(
    election: Election, region: Region, tree: Mapping[int, Region], as_of: dt.datetime, found: dict[str, bytes]
) -> None:
    parts = sorted((tree[child] for child in region.children), key=lambda part: part.id == election.abroad)
    for part in parts:
        region.stations += part.stations
        region.entered += part.entered
        region.remarked += part.remarked
        region.rules = {rule: region.rules[rule] + part.rules[rule] for rule in Rule}
        region.votes = [mine + its for mine, its in zip(region.votes, part.votes, strict=True)]
    names = {str(part.id): {"nama": f"+{part.name}" if part.id == election.abroad else part.name} for part in parts}
    charts = {str(part.id): keyed(election, part.chart) for part in parts}
    add(election, region, names, charts, as_of, found)
    add_progress(election, region, {str(part.id): part.progress for part in parts}, found)


def add_progress(election: Election, region: Region, table: object, found: dict[str, bytes]) -> None:
    found[f"/{layout.progress_file(election.code, region.path)}"] = layout.dump(
        {"progress": region.progress, "table": table}
    )


def add(
    election: Election, region: Region, names: object, votes: object, as_of: dt.datetime, found: dict[str, bytes]
) -> None:
    count = {
        "ts": layout.local_time(as_of),
        "progress": {"total": region.stations, "proses": region.entered},
        "table": votes,
        "chart": keyed(election, region.chart),
    }
    found[f"/{layout.names_file(region.path)}"] = layout.dump(names)
    found[f"/{layout.count_file(election.code, region.path)}"] = layout.dump(count)
    if region.path == (election.abroad,):
        found["/static/json/wilayah/ln.json"] = layout.dump(names)
