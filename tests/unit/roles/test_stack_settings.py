"""Settings of a stack, read from its file."""

from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.stack.names import settings_file
from roles.stack.settings import read_stack_settings

PROJECT = Path(__file__).resolve().parents[3]
LOKAL = """
encryptionsalt: v1:abc
config:
  aws:region: eu-west-1
  tegak:network: 198.18.0.0/20
  tegak:server_name: hasil.lokal.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:locations:
    - { name: jakarta, kind: lab, network: 1, app_hosts: 2 }
"""


def project(directory: Path, text: str) -> Path:
    (directory / "stacks").mkdir()
    (directory / "stacks/Pulumi.uji.yaml").write_text(text, encoding="utf-8")
    return directory


def test_other_keys_than_ours_are_the_engines_business(tmp_path: Path) -> None:
    assert read_stack_settings(project(tmp_path, LOKAL), "uji").server_name == "hasil.lokal.test"


def test_dates_are_read_as_the_engine_hands_them_over() -> None:
    settings = read_stack_settings(PROJECT, "produksi")
    assert settings.night
    assert settings.night.start.isoformat() == "2029-02-14T12:00:00+07:00"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "missing key tegak:server_name"),
        ("config: [1, 2]", "missing key tegak:server_name"),
        ("config: {", "stacks/Pulumi.uji.yaml is no YAML: "),
        (LOKAL.replace("tegak:network", "tegak:netwrok"), "unknown key tegak:netwrok"),
        (LOKAL + "  tegak:network: 198.18.16.0/20", "the key tegak:network is there twice, in lines 5 and 10"),
        (LOKAL.replace("network: 1,", "network: 1, network: 2,"), "the key network is there twice, in lines 9 and 9"),
        (
            LOKAL.replace("network: 1,", f"network: {'9' * 5000},"),
            "stacks/Pulumi.uji.yaml is no YAML: Exceeds the limit",
        ),
        (LOKAL.replace("network: 1,", f"network: {'9' * 4000},"), "tegak:locations[0].network is 9999"),
        ("config: &all {tegak:rollout: *all}", "is no YAML: "),
        ("config: {tegak:rollout: {[1]: 2}}", "is no YAML: "),
        ("config: {tegak:rollout: " + "[" * 600, "is no YAML: "),
        ("config: {1: 2}", "missing key tegak:server_name"),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(OperatorError) as caught:
        read_stack_settings(project(tmp_path, text), "uji")
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300


def test_a_file_that_is_not_utf8_is_one_sentence_with_the_line(tmp_path: Path) -> None:
    directory = project(tmp_path, "")
    (directory / "stacks/Pulumi.uji.yaml").write_bytes(LOKAL.replace("jakarta", "kép").encode("latin-1"))
    with pytest.raises(OperatorError) as caught:
        read_stack_settings(directory, "uji")
    assert caught.value.message == "Pulumi.uji.yaml is not UTF-8: line 9 has the byte 0xe9"
    assert caught.value.next_command == f"$EDITOR {directory}/stacks/Pulumi.uji.yaml"


def test_keys_that_are_merged_are_no_key_twice(tmp_path: Path) -> None:
    text = LOKAL.replace("- { name", "- &one { name") + "    - { <<: *one, name: surabaya, network: 2 }\n"
    assert len(read_stack_settings(project(tmp_path, text), "uji").locations) == 2


def test_a_stack_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        settings_file(project(tmp_path, LOKAL), "produksi")
    assert caught.value.message == "there is no stack 'produksi'; there are: uji"
