"""The documents of the 2024 layout made one by one, the slow and obvious way, from tables that are in order."""

import csv
import datetime as dt
import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.election import Election
from app.layout import dump, local_time

LENGTHS = {2: "", 4: "2", 6: "2 4", 10: "2 4 6", 13: "2 4 6 10"}
FIELDS = [
    "suara_sah",
    "suara_total",
    "pemilih_dpt_j",
    "pemilih_dpt_l",
    "pemilih_dpt_p",
    "pengguna_dpt_j",
    "pengguna_dpt_l",
    "pengguna_dpt_p",
    "pengguna_dptb_j",
    "pengguna_dptb_l",
    "pengguna_dptb_p",
    "suara_tidak_sah",
    "pengguna_total_j",
    "pengguna_total_l",
    "pengguna_total_p",
    "pengguna_non_dpt_j",
    "pengguna_non_dpt_l",
    "pengguna_non_dpt_p",
]
SAME = {
    "suara_sah": "valid_votes",
    "suara_tidak_sah": "invalid_votes",
    "pengguna_total_j": "total_votes",
    "pemilih_dpt_l": "registered_male",
    "pemilih_dpt_p": "registered_female",
}


@dataclass
class Place:
    """A region or a polling station: in the end, with all that is below it."""

    id: int
    code: str
    name: str
    level: int
    parts: "list[Place]" = field(default_factory=list["Place"])
    votes: list[int] | None = None
    total: int = 0
    entered: int = 0

    @property
    def path(self) -> str:
        lengths = [int(text) for text in LENGTHS[len(self.code)].split()] if self.code else []
        return "/".join([*(self.code[:length] for length in lengths), self.code])


def rows(source: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(source / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> int | None:
    return int(text) if text and int(text) >= 0 else None


def naive_documents_2024(election: Election, source: Path, as_of: dt.datetime) -> dict[str, bytes]:
    """Every document of the layout, by its address."""
    tree: dict[str, Place] = {}
    for row in rows(source, "regions"):
        tree[row["id"]] = Place(int(row["id"]), row["code"], row["name"], int(row["depth"]))
        if row["parent_id"]:
            tree[row["parent_id"]].parts.append(tree[row["id"]])
    found: dict[str, bytes] = {}
    for row in rows(source, "tps"):
        kelurahan = tree[row["kelurahan_id"]]
        three = row["tps_number"].zfill(3)
        id_ = int(f"{kelurahan.id}{three}")
        votes = [row[f"votes_{each.number:02}"] for each in election.candidates]
        entered = [int(text) for text in votes] if votes[0] else None
        station = Place(id_, kelurahan.code + three, f"TPS {three}", 5, [], entered, 1, int(entered is not None))
        kelurahan.parts.append(station)
        found[f"/pemilu/hhcw/{election.code}/{station.path}.json"] = dump(form(election, row, entered, as_of))
    add_up(election, tree["0"], as_of, found)
    ts = local_time(election.opens)
    found[f"/pemilu/{election.code}.json"] = dump(
        {c.key: {"ts": ts, "nama": c.name, "warna": c.colour, "nomor_urut": c.number} for c in election.candidates}
    )
    return found


def form(election: Election, row: dict[str, str], votes: list[int] | None, as_of: dt.datetime) -> dict[str, Any]:
    said = bool(row["valid_votes"])
    unknown = as_of if votes else election.opens
    time = row["first_photo_unix_s"]
    return {
        "chart": {"null": None, **dict(zip(election.keys, votes, strict=True))} if votes else None,
        "images": [None, None, None],
        "administrasi": {name: number(row[SAME.get(name, name)]) for name in FIELDS} if said else None,
        "psu": None,
        "ts": local_time(dt.datetime.fromtimestamp(int(time), dt.UTC) if time else unknown),
        "status_suara": votes is not None,
        "status_adm": said,
    }


def add_up(election: Election, place: Place, as_of: dt.datetime, found: dict[str, bytes]) -> None:
    for part in place.parts:
        if part.level < 5:
            add_up(election, part, as_of, found)
        place.total += part.total
        place.entered += part.entered
        if part.votes is not None:
            place.votes = [one + two for one, two in zip(place.votes or [0] * len(part.votes), part.votes, strict=True)]
    below = f"/{place.path}" if place.code else ""
    found[f"/pemilu/hhcw/{election.code}{below}.json"] = dump(
        {
            "ts": local_time(as_of),
            "psu": "Reguler",
            "mode": "hhcw",
            "chart": {**keyed(election, place), "persen": persen(place)},
            "table": {
                part.code: {
                    "psu": "Reguler",
                    **keyed(election, part),
                    "persen": persen(part) if part.level < 5 else 100 * part.entered,
                    "status_progress": part.entered > 0,
                }
                for part in sorted(place.parts, key=lambda part: part.code)
            },
            "progres": {"total": place.total, "progres": place.entered},
        }
    )
    names = sorted(place.parts, key=lambda part: (part.code if part.level == 5 else part.name, part.code))
    found[f"/wilayah/pemilu/{election.code}{below or '/0'}.json"] = dump(
        [{"nama": part.name, "id": part.id, "kode": part.code, "tingkat": part.level} for part in names]
    )


def keyed(election: Election, place: Place) -> dict[str, int | None]:
    return dict(zip(election.keys, place.votes or [None] * len(election.keys), strict=True))


def persen(place: Place) -> float:
    return round(10_000 * place.entered / place.total) / 100 if place.total else 0.0
