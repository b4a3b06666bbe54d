"""What the built engine's source is made of."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from tests.stands.lab import PROJECT
from tools.engine import source


def put(path: Path, text: str = "upstream") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_mirrored_module_has_ours_in_one_place_and_upstreams_own_everywhere_else(tmp_path: Path) -> None:
    upstream = tmp_path / "upstream"
    for file in ("go.mod", "a/a.go", "b/b.go", "b/left/left.go", "b/left/more.go", "b/left/deeper/deeper.go"):
        put(upstream / file)
    ours = put(tmp_path / "ours/leftout.go", "ours").parent
    source.mirror(upstream, tmp_path / "mirror", {PurePosixPath("b/left"): ours})
    found = {
        str(file.relative_to(tmp_path / "mirror")): file.read_text()
        for directory in ("", "a", "b", "b/left", "b/left/deeper")
        for file in (tmp_path / "mirror" / directory).glob("*.*")
    }
    assert found == {
        "go.mod": "upstream",
        "a/a.go": "upstream",
        "b/b.go": "upstream",
        "b/left/leftout.go": "ours",
        "b/left/deeper/deeper.go": "upstream",
    }


def test_packages_of_one_module_inside_each_other_can_both_be_left_out(tmp_path: Path) -> None:
    for file in ("left/left.go", "left/inner/inner.go", "left/other/other.go"):
        put(tmp_path / "upstream" / file)
    left, inner = (put(tmp_path / name / "leftout.go", name).parent for name in ("left", "inner"))
    places = {PurePosixPath("left"): left, PurePosixPath("left/inner"): inner}
    source.mirror(tmp_path / "upstream", tmp_path / "mirror", places)
    assert {file.name for file in (tmp_path / "mirror/left").iterdir()} == {"leftout.go", "inner", "other"}
    assert (tmp_path / "mirror/left/inner/leftout.go").read_text() == "inner"


def test_an_engine_of_other_source_or_other_flags_has_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = source.digest("-trimpath")
    assert source.digest("-race") != first
    shutil.copytree(source.WITHOUT, tmp_path / "without")
    for file in ("go.mod", "go.sum"):
        shutil.copy(source.GO_MODULE / file, tmp_path)
    shutil.copytree(source.GO_MODULE / source.OWN_PACKAGE, tmp_path / source.OWN_PACKAGE)
    monkeypatch.setattr(source, "GO_MODULE", tmp_path)
    monkeypatch.setattr(source, "WITHOUT", tmp_path / "without")
    assert source.digest("-trimpath") == first
    put(tmp_path / "without/gocloud.dev/blob/s3blob/leftout.go")
    assert source.digest("-trimpath") != first


def test_no_command_that_this_project_names_is_left_out() -> None:
    stand_ins = "".join(file.read_text() for file in source.WITHOUT.rglob("*.go"))
    left_out = set(re.findall(r'leftout\.Command\("([a-z-]+)"\)', stand_ins))
    pages = [PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md")]
    code = [file for folder in ("roles", "infra", "tests") for file in (PROJECT / folder).rglob("*.py")]
    named = {word for page in pages for word in re.findall(r"\bpulumi ([a-z-]+)", page.read_text())}
    named |= {word for file in code for word in re.findall(r'"pulumi", "([a-z-]+)"', file.read_text())}
    assert {"up", "stack", "destroy"} <= named
    assert "neo" in left_out
    assert not named & left_out


def test_states_in_buckets_and_keys_of_aws_are_not_left_out() -> None:
    packages = set(source.own_packages()) | set(source.own_modules())
    assert "gocloud.dev/blob/gcsblob" in packages
    assert not {path for path in packages if path.endswith(("s3blob", "awskms", "fileblob", "localsecrets"))}


def offline(arguments: list[str]) -> str:
    environment = {**os.environ, "GOPROXY": "off"}
    asked = subprocess.run(
        ["go", *arguments], cwd=source.GO_MODULE, env=environment, capture_output=True, text=True, check=False
    )
    if "GOPROXY=off" in asked.stdout + asked.stderr:
        pytest.skip("upstream's modules were never downloaded here")
    return asked.stdout


@pytest.mark.skipif(shutil.which("go") is None, reason="Go knows where upstream's modules are")
def test_whatever_is_left_out_is_there_upstream() -> None:
    in_part = source.modules_in_part(offline)
    assert {"github.com/pulumi/pulumi/pkg/v3", "gocloud.dev"} <= set(in_part)
    for module, packages in in_part.items():
        directory = Path(json.loads(offline(["mod", "download", "-json", module]))["Dir"])
        gone = [path for path in packages if not list((directory / path.removeprefix(f"{module}/")).glob("*.go"))]
        assert not gone
