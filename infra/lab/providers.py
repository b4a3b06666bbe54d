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


HOST_IDENTITY = ("stack", "machine", "hostname", "bridge", "address", "gateway", "image")
BRIDGE_IDENTITY = ("name", "gateway", "stack")
"""What can't change of the same host, or of the same network: another value means another one."""


def _diff(olds: Properties, news: Properties, *, update: Iterable[str], replace: Iterable[str] = ()) -> DiffResult:
    """Compare inputs; a resource that the last refresh found not to work (`running` false) needs an update too."""
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
    """The stack's directory on this machine, with the certificate authority in it.

    Whose it is, its id says, which the state has and the directory's mark: not a path, which changes when a checkout
    is moved.
    """

    def create(self, props: Properties) -> CreateResult:
        import uuid

        id_ = uuid.uuid4().hex
        return CreateResult(id_, self._mark(id_, props))

    def update(self, id_: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._mark(id_, news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab.claim import read_mark

        mark = read_mark(props["stack"])
        return ReadResult(id_ if mark is not None and mark.claim == id_ else "", props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        found = _diff(olds, news, update=("checkout",), replace=("stack",))
        # The successor takes the directory over with all hosts in it; the old claim then has nothing to clear.
        found.delete_before_replace = False
        return found

    def delete(self, id_: str, props: Properties) -> None:
        from infra.lab.claim import release

        release(props["stack"], id_)

    @staticmethod
    def _mark(id_: str, props: Properties) -> Properties:
        from infra.lab import claim, pki
        from infra.lab.paths import stack_directory

        claim.claim_stack(props["stack"], claim.CheckoutMark(id_, props["checkout"]))
        authority = pki.make_authority(stack_directory(props["stack"]), f"tegak lab {props['stack']}")
        return {**props, "ca_certificate": authority.certificate_pem}


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
    """A location's network. A bridge that is marked as another location's is not this one's, whatever its name."""

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(self._owner(props), self._ensure(props))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._ensure(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab import bridge

        owner = self._owner(props)
        if (bridge.owner_of(props["name"]) or owner) != owner:
            return ReadResult("", props)
        found = bridge.inspect_bridge(props["name"])
        running = found is not None and str(found.gateway) == props["gateway"] and found.owner == owner
        delay_ms = found.delay_ms if found else props["delay_ms"]
        return ReadResult(id_, {**props, "running": running and bridge.is_test_range_closed(), "delay_ms": delay_ms})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return _diff(olds, news, update=("delay_ms",), replace=BRIDGE_IDENTITY)

    def delete(self, _id: str, props: Properties) -> None:
        from infra.lab import bridge

        owner = self._owner(props)
        if (bridge.owner_of(props["name"]) or owner) == owner:
            bridge.remove_bridge(props["name"])

    @staticmethod
    def _owner(props: Properties) -> str:
        return f"{props['stack']}/{props.get('location', '')}"

    @classmethod
    def _ensure(cls, props: Properties) -> Properties:
        from ipaddress import IPv4Interface

        from infra.lab import bridge, claim

        gateway = IPv4Interface(props["gateway"])
        bridge.refuse_anothers(props["name"], gateway.network, cls._owner(props))
        claim.note_bridge(props["stack"], props["name"])
        bridge.ensure_bridge(bridge.Bridge(props["name"], gateway, int(props["delay_ms"]), cls._owner(props)))
        return {**props, "running": True}


class HostProvider(_Provider):
    """A host: its disk, what provisioning puts on it, its processes."""

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(f"{props['stack']}/{props['hostname']}", self._ensure(props))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(self._ensure(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.lab.disk import Disk
        from infra.lab.host import HostPlan, is_healthy
        from infra.lab.paths import host_directory

        if not Disk(host_directory(props["stack"], props["hostname"])).upper.is_dir():
            return ReadResult("", props)
        return ReadResult(id_, {**props, "running": is_healthy(HostPlan.from_properties(props), props["host_key"])})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return _diff(olds, news, update=("operator_key", "certificate"), replace=HOST_IDENTITY)

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
