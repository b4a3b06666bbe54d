"""docs/decisions/ has one decision a file, and an index of all of them."""

import re
from collections import Counter

from tests.stands.lab import PROJECT

DIRECTORY = PROJECT / "docs/decisions"
FILES = sorted(DIRECTORY.glob("[0-9]*.md"))
LINE = re.compile(r"^- \[(\d{4})\]\((\S+)\) (.+)$", re.MULTILINE)


def test_each_decision_has_a_file_and_a_number_of_its_own() -> None:
    assert FILES
    for file in FILES:
        headings = re.findall(r"^# .+$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(headings) == 1, file.name
    assert [number for number, count in Counter(file.name[:4] for file in FILES).items() if count > 1] == []


def test_the_index_has_each_decision_by_its_title() -> None:
    listed = LINE.findall((DIRECTORY / "README.md").read_text(encoding="utf-8"))
    titles = [(file.name[:4], file.name, file.read_text(encoding="utf-8").splitlines()[0][2:]) for file in FILES]
    assert sorted(listed) == titles
