"""The dynamic providers of the lab: what Pulumi calls to create, read, change and delete what a stack has here.

A dynamic provider is pickled into the state: the classes are kept thin and importable, so that the state holds a
reference to them, and import the code that does the work only when they are called.
"""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

Properties = dict[str, Any]


def _diff(olds: Properties, news: Properties, *, update: Iterable[str], replace: Iterable[str] = ()) -> DiffResult:
    """Compare inputs; a resource that the last refresh found down (`running` false) needs an update too."""
    replaced = [key for key in replace if olds.get(key) != news.get(key)]
    changed = [key for key in update if olds.get(key) != news.get(key)]
    down = olds.get("running") is False
    # Names and addresses are taken until the old one is gone.
    return DiffResult(changes=bool(replaced or changed or down), replaces=replaced, delete_before_replace=True)


class _Provider(ResourceProvider):
    """Nothing captured is a secret, so the state need not encrypt the reference to the class."""

    serialize_as_secret_always = False


class ImageProvider(_Provider):
    """The shared root file system. Kept when the stack goes: it costs 30 s to make and no running process."""

    def create(self, props: Properties) -> CreateResult:
        from infra.lab.image import ensure_image

        return CreateResult(props["name"], {**props, "path": str(ensure_image())})

    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_ if Path(props["path"]).is_dir() else "", props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return _diff(olds, news, update=(), replace=("name",))


class ClaimProvider(_Provider):
    """The stack's directory on this machine, with the certificate authority in it."""

    def create(self, props: Properties) -> CreateResult:
        from infra.lab import claim, pki
        from infra.lab.paths import stack_directory

        claim.claim_stack(props["stack"], props["owner"])
        authority = pki.make_authority(stack_directory(props["stack"]), f"tegak lab {props['stack']}")
        return CreateResult(props["stack"], {**props, "ca_certificate": authority.certificate_pem})

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab.claim import read_owner

        return ReadResult(id_ if read_owner(props["stack"]) == props["owner"] else "", props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return _diff(olds, news, update=(), replace=("stack", "owner"))

    def delete(self, _id: str, props: Properties) -> None:
        from infra.lab.claim import sweep

        sweep(props["stack"])


class CertificateProvider(_Provider):
    """The edge's certificate; its key stays in a file, of which the state knows only the path."""

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(f"{props['stack']}/{props['names'][0]}", self._issue(props))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._issue(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab.pki import RENEW_BEFORE_DAYS

        ends = dt.datetime.fromisoformat(props["not_after"])
        soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=RENEW_BEFORE_DAYS)
        return ReadResult(id_ if Path(props["key_file"]).exists() else "", {**props, "running": ends > soon})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return _diff(olds, news, update=("names", "addresses", "ca_certificate"), replace=("stack",))

    @staticmethod
    def _issue(props: Properties) -> Properties:
        from infra.lab import pki
        from infra.lab.paths import stack_directory

        directory = stack_directory(props["stack"])
        now = dt.datetime.now(dt.UTC)
        authority = pki.make_authority(directory, f"tegak lab {props['stack']}")
        pair = pki.issue_server_certificate(authority, directory, props["names"], props["addresses"], now=now)
        ends = now + dt.timedelta(days=pki.SERVER_DAYS)
        outs = {"certificate": pair.certificate_pem, "key_file": str(pair.key_file), "not_after": ends.isoformat()}
        return {**props, **outs, "running": True}


class BridgeProvider(_Provider):
    """A location's network."""

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(props["name"], self._ensure(props))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._ensure(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab.bridge import inspect_bridge

        found = inspect_bridge(props["name"])
        running = found is not None and str(found.gateway) == props["gateway"]
        delay_ms = found.delay_ms if found else props["delay_ms"]
        return ReadResult(id_, {**props, "running": running, "delay_ms": delay_ms})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return _diff(olds, news, update=("delay_ms",), replace=("name", "gateway", "stack"))

    def delete(self, _id: str, props: Properties) -> None:
        from infra.lab.bridge import remove_bridge

        remove_bridge(props["name"])

    @staticmethod
    def _ensure(props: Properties) -> Properties:
        from ipaddress import IPv4Interface

        from infra.lab import bridge, claim

        claim.note_bridge(props["stack"], props["name"])
        bridge.ensure_bridge(bridge.Bridge(props["name"], IPv4Interface(props["gateway"]), int(props["delay_ms"])))
        return {**props, "running": True}


class HostProvider(_Provider):
    """A host: its disk, what provisioning puts on it, its processes."""

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(f"{props['stack']}/{props['hostname']}", self._ensure(props))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._ensure(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab.disk import Disk
        from infra.lab.machine import runs
        from infra.lab.paths import host_directory

        disk = Disk(host_directory(props["stack"], props["hostname"]))
        return ReadResult(id_ if disk.upper.is_dir() else "", {**props, "running": runs(disk)})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        identity = ("stack", "machine", "hostname", "bridge", "address", "gateway", "image")
        return _diff(olds, news, update=("operator_key", "certificate"), replace=identity)

    def delete(self, _id: str, props: Properties) -> None:
        from infra.lab.disk import Disk
        from infra.lab.machine import end
        from infra.lab.paths import host_directory

        disk = Disk(host_directory(props["stack"], props["hostname"]))
        end(disk)
        disk.delete()

    @staticmethod
    def _ensure(props: Properties) -> Properties:
        from infra.lab.host import HostPlan, ensure_host

        return {**props, "host_key": ensure_host(HostPlan.from_properties(props)), "running": True}
