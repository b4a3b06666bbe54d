"""What `fab cost` shows, and the page that quotes it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.cost.estimate import estimate
from roles.stack.settings import read_stack_settings
from roles.tasks.outlook import show_cost
from tools.budget_page import PAGE, PLOT, plot, refreshed

PROJECT = Path(__file__).resolve().parents[3]
Capture = pytest.CaptureFixture[str]


def shown(capsys: Capture, stack: str = "produksi", **asked: str) -> str:
    show_cost(PROJECT, stack, asked)
    return capsys.readouterr().out


def test_every_item_that_costs_a_cent_is_shown_with_its_amount(capsys: Capture) -> None:
    lines = shown(capsys).splitlines()
    found = estimate(read_stack_settings(PROJECT, "produksi"))
    for item in (*found.night.items, *found.month.items):
        listed = [line for line in lines if line.startswith(item.where) and f" {item.name} " in line]
        is_shown = any(f" {item.usd:,.2f} " in line for line in listed)
        assert is_shown == (item.usd >= 0.005), item.name


def test_prices_that_are_belief_are_marked_as_such(capsys: Capture) -> None:
    lines = shown(capsys).splitlines()
    (requests,) = [line for line in lines[:10] if "CDN: requests" in line]
    assert " B " in requests
    (answers,) = [line for line in lines[:10] if "CDN: answers" in line]
    assert " B " not in answers
    assert any(line.startswith("B: belief") for line in lines)


def test_every_price_has_its_source_and_its_day(capsys: Capture) -> None:
    text = shown(capsys)
    called = {word for line in text.splitlines() for word in line.split()[-1:] if word.startswith("[")}
    listed = {line.split()[0] for line in text.splitlines() if line.startswith("[") and ", as of 2026-" in line}
    assert called == listed
    assert len(called) > 10


def test_a_limit_that_is_exceeded_says_how_to_raise_it(capsys: Capture) -> None:
    assert "to raise:" not in shown(capsys)
    assert "--quota-code L-A2C80159 --desired-value 333334" in shown(capsys, viewers="10,000,000")


def test_a_sign_of_the_locations_own_costs_stands_for_each_location(capsys: Capture) -> None:
    lines = shown(capsys).splitlines()
    begin = lines.index(next(line for line in lines if line.startswith("By location")))
    assert [line.split()[0] for line in lines[begin + 2 : begin + 6]] == [
        "jakarta",
        "singapura",
        "kementerian",
        "global",
    ]


def test_a_stack_that_is_not_there_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(OperatorError) as caught:
        show_cost(PROJECT, "prodksi", {})
    assert caught.value.message == "there is no stack 'prodksi'; did you mean produksi?"


@pytest.mark.parametrize(
    ("option", "typed"), [("viewers", "3juta"), ("viewers", "1.5"), ("poll_seconds", ""), ("hours", "malam")]
)
def test_what_is_no_number_is_refused_with_its_option(option: str, typed: str) -> None:
    with pytest.raises(OperatorError) as caught:
        show_cost(PROJECT, "produksi", {option: typed})
    assert f"--{option.replace('_', '-')} is {typed!r}" in caught.value.message


def test_the_plot_is_written_where_it_was_asked_for(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "cost.svg"
    show_cost(PROJECT, "staging", {}, brief_only=True, plot=str(file))
    assert file.read_text(encoding="utf-8").startswith("<svg ")
    assert f"plot: {file}" in capsys.readouterr().out


def test_the_budget_page_says_what_the_tool_says_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == refreshed(page), "python -m tools.budget_page, and read what changed"
    assert page.count("$ fab cost") == 3
    assert page.count("made of:") == 3
    assert page.count("\n| --- |") == 2


def test_the_plot_of_the_budget_page_is_todays() -> None:
    assert PLOT.read_text(encoding="utf-8") == plot(), "python -m tools.budget_page"


def test_a_page_that_says_something_else_is_mended() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for says in (r"the night:      [\d,]+ USD", r"\| \*\*[\d,]+\*\* \|", r"[\d,]+ of the night \|"):
        spoilt = re.sub(says, lambda found: re.sub(r"\d", "7", found[0]), page)
        assert spoilt != page
        assert refreshed(spoilt) == page


def test_the_task_takes_options_as_they_are_typed_and_ends_with_an_exit_code() -> None:
    def fab(*words: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "fabric", "cost", *words]
        return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)

    good = fab("--brief", "--viewers", "300,000", "--hours", "6")
    assert good.returncode == 0
    assert "produksi: 300,000 people at once" in good.stdout
    assert "6 h that add up to 2 h at the peak" in good.stdout
    bad = fab("--stack", "prodksi")
    assert bad.returncode == 1
    assert bad.stderr.startswith("error: there is no stack 'prodksi'; did you mean produksi?")
    assert "Traceback" not in bad.stderr
