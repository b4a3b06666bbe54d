"""The built engine's source: upstream's own, with small packages of ours in place of what no site here asks it for.

Each folder below `without/` stands for the Go package whose import path it is; one with a go.mod of its own stands for
a whole module, which then isn't even downloaded. Nothing of upstream is kept in this repository: a module that loses
some packages is mirrored by links into Go's module cache, and the tree's go.mod points there (`replace`). A package of
ours that no longer fits upstream's newer version doesn't compile.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

GO_MODULE = Path(__file__).resolve().parent
WITHOUT = GO_MODULE / "without"
OWN_PACKAGE = "leftout"

Go = Callable[[list[str]], str]
"""Runs Go in this project's module and returns what it prints."""


def assemble(tree: Path, go: Go) -> Path:
    """Lay the source out under `tree`, and return the directory to build in.

    Args:
        tree: A directory that doesn't exist yet.
        go: Asked where upstream's modules are.
    """
    tree.mkdir(parents=True)
    replaced = {module: WITHOUT / module for module in own_modules()}
    for module, packages in modules_in_part(go).items():
        upstream = Path(json.loads(go(["mod", "download", "-json", module]))["Dir"])
        replaced[module] = tree / "modules" / module.replace("/", "_")
        mirror(
            upstream, replaced[module], {PurePosixPath(path).relative_to(module): WITHOUT / path for path in packages}
        )
    lines = [f"replace {module} => {json.dumps(str(directory))}\n" for module, directory in sorted(replaced.items())]
    requirements = (GO_MODULE / "go.mod").read_text(encoding="utf-8")
    (tree / "go.mod").write_text(requirements + "".join(lines), encoding="utf-8")
    shutil.copy(GO_MODULE / "go.sum", tree)
    shutil.copytree(GO_MODULE / OWN_PACKAGE, tree / OWN_PACKAGE)
    return tree


def digest(*flags: str) -> str:
    """Eight digits that change with anything the built engine is made of, or how."""
    files = [GO_MODULE / "go.mod", GO_MODULE / "go.sum", *_files(GO_MODULE / OWN_PACKAGE), *_files(WITHOUT)]
    text = "".join(f"{file.relative_to(GO_MODULE)}\n{file.read_text(encoding='utf-8')}\n" for file in files)
    return hashlib.sha256("\n".join((text, *flags)).encode()).hexdigest()[:8]


def own_modules() -> list[str]:
    """The modules that are left out as a whole."""
    return sorted(file.parent.relative_to(WITHOUT).as_posix() for file in WITHOUT.rglob("go.mod"))


def own_packages() -> list[str]:
    """The packages that are left out of modules which stay."""
    modules = own_modules()
    packages = {file.parent.relative_to(WITHOUT).as_posix() for file in WITHOUT.rglob("*.go")}
    return sorted(path for path in packages if not any(f"{path}/".startswith(f"{module}/") for module in modules))


def mirror(upstream: Path, target: Path, instead: dict[PurePosixPath, Path]) -> None:
    """Make a module's directory anew, with other packages at some places: links beside the way there, files on it.

    Args:
        upstream: The module's directory.
        target: The new one.
        instead: The packages of ours, by their place in the module.
    """
    target.mkdir(parents=True)
    own = instead.get(PurePosixPath())
    for entry in upstream.iterdir():
        inner = {place.relative_to(entry.name): of for place, of in instead.items() if place.parts[:1] == (entry.name,)}
        if inner:
            mirror(entry, target / entry.name, inner)
        elif entry.is_dir():
            (target / entry.name).symlink_to(entry)
        elif own is None:
            shutil.copyfile(entry, target / entry.name)
    for file in own.glob("*.go") if own else ():
        shutil.copy(file, target)


def modules_in_part(go: Go) -> dict[str, list[str]]:
    """The modules that stay without some of their packages, and these packages."""
    required = [module["Path"] for module in json.loads(go(["mod", "edit", "-json"]))["Require"]]
    in_part: dict[str, list[str]] = {}
    for package in own_packages():
        module = max((path for path in required if f"{package}/".startswith(f"{path}/")), key=len)
        in_part.setdefault(module, []).append(package)
    return in_part


def _files(directory: Path) -> Iterable[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())
