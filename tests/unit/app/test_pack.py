"""The pack: what was put in is what both readers give back, and nothing that was altered is given for it."""

import contextlib
import gzip
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pack import DIGESTS, INDEX_FILES, KEYS, PLACES, STAMP, DamagedError, Pack, segment_file
from app.snapshot import COMPLETE, mark
from tests.stands.lua import LuaReader
from tests.stands.packs import MODIFIED, write_pack
from tests.stands.packs import STAMP as STAMP_TEXT
from tests.thorough import examples

LUA = LuaReader()
BODIES = segment_file(0)
ADDRESSES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(lambda text: f"/{text}")
BODIES_OF_ANY_KIND = st.one_of(st.text(max_size=60), st.text("ab{}", min_size=1400, max_size=3000)).map(str.encode)
DOCUMENTS = st.dictionaries(ADDRESSES, BODIES_OF_ANY_KIND, min_size=1, max_size=30).filter(
    lambda documents: any(documents.values()) and not any(address.endswith(".gz") for address in documents)
)
SOME = {f"/static/json/{number}.json": f'{{"a":{number}}}'.encode() * (number % 5 * 60 + 1) for number in range(50)}


@pytest.fixture
def some(tmp_path: Path) -> Path:
    write_pack(tmp_path, SOME)
    return tmp_path


@examples(50)
@given(DOCUMENTS, ADDRESSES, st.sets(ADDRESSES))
def test_both_readers_give_back_what_was_put_in_and_nothing_else(
    documents: dict[str, bytes], other: str, with_stamp: set[str]
) -> None:
    stamped = {address: body for address, body in documents.items() if address in with_stamp or len(address) % 2}
    with tempfile.TemporaryDirectory() as directory:
        plain = {address: body for address, body in documents.items() if address not in stamped}
        write_pack(Path(directory), plain, stamped=stamped)
        pack = Pack(Path(directory))
        for address, stored in documents.items():
            body = STAMP_TEXT.encode() + stored if address in stamped else stored
            assert pack.read(address) == body
            assert LUA.read(Path(directory), address.encode()) == ("body", body)
            if len(body) >= 1400:
                packed, tag, modified = LUA.packed(Path(directory), f"{address}.gz".encode())
                assert (gzip.decompress(packed or b""), modified) == (body, MODIFIED)
                assert (b"-" in tag) is (address in stamped)
        if other not in documents:
            assert pack.read(other) is None
            assert LUA.read(Path(directory), other.encode()) == ("missing", None)


@examples(50)
@given(st.data())
def test_a_changed_bit_is_never_given_for_what_was_built(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        write_pack(directory, SOME)
        file = directory / data.draw(st.sampled_from([BODIES, KEYS, PLACES, DIGESTS]))
        bits = bytearray(file.read_bytes())
        at = data.draw(st.integers(0, len(bits) * 8 - 1))
        bits[at // 8] ^= 1 << at % 8
        file.write_bytes(bits)
        pack = Pack(directory)
        for address, body in SOME.items():
            with contextlib.suppress(DamagedError):
                assert pack.read(address) in (body, None)
            said, answer = LUA.read(directory, address.encode())
            assert (said, answer) in [("body", body), ("missing", None), ("damaged", None)]


def swap(directory: Path, *names: str) -> None:
    """Let two addresses' entries in the index change their places."""
    for name in names:
        size = 16 if name == DIGESTS else 8
        text = (directory / name).read_bytes()
        (directory / name).write_bytes(text[size : 2 * size] + text[:size] + text[2 * size :])


def test_a_true_body_at_another_address_is_refused(some: Path) -> None:
    swap(some, PLACES, DIGESTS)
    pack, damaged = Pack(some), 0
    for address, body in SOME.items():
        if LUA.read(some, address.encode()) == ("damaged", None):
            damaged += 1
            with pytest.raises(DamagedError, match=re.escape(f"{address} in {some} is not as it was built")):
                pack.read(address)
        else:
            assert pack.read(address) == body
    assert damaged == 2


def test_from_the_size_of_a_network_packet_on_there_is_a_packed_form(tmp_path: Path) -> None:
    write_pack(tmp_path, {"/small": b"a" * 1399, "/large": b"a" * 1400})
    pack = Pack(tmp_path)
    assert pack.read("/small.gz") is None
    assert gzip.decompress(pack.read("/large.gz") or b"") == b"a" * 1400


@pytest.mark.parametrize("name", INDEX_FILES)
def test_a_pack_whose_files_do_not_fit_each_other_is_none(some: Path, name: str) -> None:
    (some / name).write_bytes((some / name).read_bytes()[:-8])
    with pytest.raises(DamagedError):
        Pack(some)
    assert LUA.read(some, b"/static/json/1.json") == ("none", None)


@pytest.mark.parametrize("name", [*INDEX_FILES, STAMP])
def test_a_pack_that_lacks_a_file_is_none(some: Path, name: str) -> None:
    (some / name).unlink()
    with pytest.raises(FileNotFoundError):
        Pack(some)
    assert LUA.read(some, b"/static/json/1.json") == ("none", None)


def test_bodies_that_were_cut_off_are_refused_without_reading_beyond_them(some: Path) -> None:
    (some / BODIES).write_bytes((some / BODIES).read_bytes()[:10])
    said = {LUA.read(some, address.encode())[0] for address in SOME}
    assert said <= {"body", "damaged"}
    assert "damaged" in said


def test_without_its_segment_no_body_is_made_up(some: Path) -> None:
    (some / BODIES).unlink()
    assert {LUA.read(some, address.encode())[0] for address in SOME} == {"damaged"}
    with pytest.raises(DamagedError):
        Pack(some).read("/static/json/7.json")


def test_what_is_mapped_stays_readable_when_its_folder_is_removed(some: Path) -> None:
    pack = Pack(some)
    shutil.rmtree(some)
    assert pack.read("/static/json/7.json") == SOME["/static/json/7.json"]


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"br, gzip", True),
        (b"GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip ; q=0.000, br", False),
        (b"identity", False),
        (b"x-gzipped", False),
        (b"gzip;q=1.0, identity; q=0.5", True),
        (b"gzip;q=...", False),
    ],
)
def test_who_takes_what_is_packed(accepted: bytes | None, *, taken: bool) -> None:
    assert LUA.takes_gzip(accepted) is taken


@examples(100)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 12), st.booleans()), max_size=60))
def test_what_is_kept_is_what_was_put_there_and_never_more_than_there_is_room_for(
    acts: list[tuple[str, int, bool]],
) -> None:
    room, put = LUA.room(20), set[str]()
    for name, size, is_put in acts:
        if is_put:
            room.put(name, size)
            put.add(name)
            assert room.get(name) == name
        else:
            assert room.get(name) in ((name, None) if name in put else (None,))
        assert max(room.sizes()) <= 20


def test_what_is_asked_for_again_stays() -> None:
    room = LUA.room(20)
    room.put("hot", 5)
    for number in range(100):
        room.put(f"cold {number}", 5)
        assert room.get("hot") == "hot"
    assert room.get("cold 0") is None


def test_the_link_is_followed_with_the_next_request_unless_another_snapshot_is_asked_for(tmp_path: Path) -> None:
    link = tmp_path / "current"
    assert LUA.snapshot(link, None) is None
    first, second = (tmp_path / f"2029021{n}T120000Z-aaaaaaaaaa" for n in (1, 2))
    for directory, target in ((first, first), (second, second.name)):
        directory.mkdir()
        new = tmp_path / "new"
        new.symlink_to(target)
        new.replace(link)
        assert LUA.snapshot(link, None) is None  # not whole yet
        (directory / COMPLETE).touch()
        assert LUA.snapshot(link, None) == (str(directory), mark(directory))
    assert LUA.snapshot(link, first.name.encode()) == (str(first), mark(first))
    assert LUA.snapshot(link, b"20290213T120000Z-aaaaaaaaaa") == (str(second), mark(second))


def test_one_that_came_anew_has_another_mark(tmp_path: Path) -> None:
    directory = tmp_path / "20290211T120000Z-aaaaaaaaaa"
    directory.mkdir()
    marks: set[str | None] = set()
    for nanoseconds in (1_700_000_000_000_000_001, 1_700_000_001_000_000_001, 1_700_000_001_000_000_002):
        (directory / COMPLETE).touch()
        os.utime(directory / COMPLETE, ns=(0, nanoseconds))
        marks.add(mark(directory))
        assert LUA.snapshot(tmp_path / "current", directory.name.encode()) == (str(directory), mark(directory))
    assert len(marks) == 3
