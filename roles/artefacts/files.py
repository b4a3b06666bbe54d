"""Files on hosts: templates/<role>/ mirrors the host's tree, and templates/<role>/files.toml says who they are.

A release carries the templates of its roles (`config/` in the artefact), so that rolling it back rolls its
configuration back too. The templates of `base` and `origin` are the operators' own, and come from the checkout.

What a template may use: `host` and `inventory` (infra.bridge.inventory), `layout` (roles.scripts.layout), `signers`,
`origin_header`; those of `origin` also `origin` (infra.bridge.origin), which no released file may ever have.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, TemplateSyntaxError
from pydantic import BaseModel, ConfigDict, ValidationError

from app.pack import READS
from infra.bridge.errors import OperatorError
from infra.bridge.files import read_utf8
from infra.bridge.inventory import Host, Inventory
from infra.bridge.origin import ORIGIN_HEADER, Origin
from roles.scripts import layout
from roles.scripts.host_files import FileAction, HostFile

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
RELEASED_ROLES = ("app", "lb", "edge")
"""Whose files belong to a release, in the order in which they are rolled out: what requests reach last comes first."""

OWN_PARTS = ("base", "origin")
"""Files that belong to those who operate the hosts: of every host, and of load balancers that a CDN asks."""

MANIFEST = "files.toml"


class FileEntry(BaseModel):
    """A `[[file]]` of files.toml; what it says is described at `HostFile`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: PurePosixPath
    mode: int = 0o644
    checker: tuple[str, ...] = ()
    actions: tuple[FileAction, ...] = ()
    drained: bool = False


class Manifest(BaseModel):
    """A files.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: tuple[FileEntry, ...]


@dataclass(frozen=True)
class Templates:
    """The templates of some roles.

    Args:
        texts: By their path below templates/.
        where: Where they are, for who looks for them.
        reads: Which formats of a snapshot the service reads that is released with them.
    """

    texts: Mapping[str, str] = field(repr=False)
    where: str = "this checkout"
    reads: tuple[int, ...] = READS

    @classmethod
    def of_checkout(cls, roles: Iterable[str] = RELEASED_ROLES, directory: Path = TEMPLATES) -> "Templates":
        """The templates of this checkout."""
        files = (path for role in roles for path in sorted((directory / role).rglob("*")) if path.is_file())
        return cls({str(path.relative_to(directory)): read_utf8(path) for path in files})

    @cached_property
    def _environment(self) -> Environment:
        # Not HTML: quoting is the business of each file's own syntax.
        return Environment(  # noqa: S701
            loader=DictLoader(self.texts),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def files(self, role: str, values: Mapping[str, object]) -> Iterator[HostFile]:
        """The files of a role, rendered.

        Raises:
            OperatorError: The manifest or a template can't be used; the message names it.
        """
        for entry in self.entries(role):
            template = f"{role}{entry.path}.j2"
            source = f"templates/{template} in {self.where}"
            body = self._rendered(template, source, values)
            yield HostFile(entry.path, body, entry.mode, entry.checker, entry.actions, entry.drained, source)

    def entries(self, role: str) -> tuple[FileEntry, ...]:
        """What files.toml says of a role's files.

        Raises:
            OperatorError: There is none, or it can't be used.
        """
        name = f"{role}/{MANIFEST}"
        if name not in self.texts:
            raise OperatorError(f"{self.where} has no templates for the role {role}", next_command="fab build")
        try:
            return Manifest.model_validate(tomllib.loads(self.texts[name])).file
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            words = " ".join(str(error).splitlines()[:3])
            raise OperatorError(
                f"templates/{name} in {self.where}: {words}", next_command=f"$EDITOR templates/{name}"
            ) from error

    def _rendered(self, template: str, source: str, values: Mapping[str, object]) -> bytes:
        try:
            return self._environment.get_template(template).render(values).encode()
        except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            line = f" line {error.lineno}:" if isinstance(error, TemplateSyntaxError) else ""
            raise OperatorError(
                f"{source}:{line} {error or type(error).__name__}", next_command=f"$EDITOR templates/{template}"
            ) from error


@dataclass(frozen=True)
class Configuration:
    """Everything that decides which files a host should have.

    Args:
        inventory: The stack's.
        base: The operators' own templates.
        released: The release's; None before there is one.
        signers: Who may sign releases and snapshots, a line of an allowed_signers file.
        origin: Gives what load balancers and a CDN both know; called only for the files of such a load balancer, since
            it has to be decrypted. None where there is none.
    """

    inventory: Inventory
    base: Templates
    released: Templates | None
    signers: str
    origin: Callable[[], Origin] | None = field(default=None, repr=False)

    def files_of(self, host: Host) -> list[HostFile]:
        """What should be on a host, by its roles."""
        files = self.base_files_of(host)
        for role in RELEASED_ROLES:
            if role in host.roles and self.released is not None:
                files += self.released.files(role, self._values(host))
        return files

    def base_files_of(self, host: Host) -> list[HostFile]:
        """What should be on a host whatever the release."""
        files = list(self.base.files("base", self._values(host)))
        if self.origin is not None and host in self.inventory.cdn_balancers:
            files += self.base.files("origin", {**self._values(host), "origin": self.origin()})
        return files

    def base_files(self) -> dict[str, list[HostFile]]:
        """What should be on each host whatever the release, by its name."""
        return {host.name: self.base_files_of(host) for host in self.inventory.hosts}

    def _values(self, host: Host) -> dict[str, object]:
        return {
            "host": host,
            "inventory": self.inventory,
            "layout": layout,
            "signers": self.signers,
            "origin_header": ORIGIN_HEADER,
        }
