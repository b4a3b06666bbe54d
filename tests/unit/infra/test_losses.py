"""What counts as a loss, and what is said before anything is lost."""

import asyncio
from collections.abc import Generator, Mapping

import pytest
from pulumi import Output
from pulumi.runtime.invoke import InvokeResult

from infra.bridge.errors import OperatorError
from infra.bridge.losses import HOST, NETWORK, Loss, planned_losses, read_number, refuse_unnamed
from infra.losses import CLAIM, IMAGE, losses, read_state

PREFIX = "urn:pulumi:lokal::tegak::tegak:site:Location$"
BUCKET = "aws:s3/bucket:Bucket"


def host(number: int) -> dict[str, object]:
    return {"hostname": f"barat-app-{number}", "address": f"198.18.1.2{number}/24", "stack": "lokal", "image": "/a"}


def test_what_the_program_no_longer_asks_for_is_lost() -> None:
    there = {(HOST, "a"): host(1), (HOST, "b"): host(2), (BUCKET, "site"): {}, ("aws:iam/role:Role", "r"): {}}
    assert losses(there, {(HOST, "a"): host(1)}) == [Loss("bucket", "site", "deleted"), Loss("host", "b", "deleted")]


def test_a_host_with_another_address_is_another_host() -> None:
    assert losses({(HOST, "a"): host(1)}, {(HOST, "a"): {**host(1), "address": "198.18.2.21/24"}}) == [
        Loss("host", "a", "replaced")
    ]


@pytest.fixture
def loop() -> Generator[None, None, None]:
    """What an output waits in: another test may have closed the one that Python made."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    asyncio.set_event_loop(None)
    made.close()


@pytest.mark.usefixtures("loop")
def test_what_is_not_known_yet_and_what_may_change_is_no_loss() -> None:
    wanted = {**host(1), "image": Output.from_input("/a"), "operator_key": "another"}
    assert losses({(HOST, "a"): {**host(1), "operator_key": "one"}}, {(HOST, "a"): wanted}) == []


@pytest.mark.parametrize(
    ("kind", "old", "new", "lost"),
    [
        (IMAGE, {"name": "debian-1"}, {"name": "debian-2"}, ["host"]),
        (CLAIM, {"stack": "one"}, {"stack": "two"}, ["host", "network"]),
        (CLAIM, {"stack": "one", "checkout": "/old"}, {"stack": "one", "checkout": "/new"}, []),
    ],
)
def test_a_host_goes_with_what_it_stands_on(
    kind: str, old: dict[str, object], new: dict[str, object], lost: list[str]
) -> None:
    same = {(HOST, "a"): host(1), (NETWORK, "barat"): {"name": "tg18-1"}}
    found = losses({**same, (kind, "x"): old}, {**same, (kind, "x"): new})
    assert [loss.kind for loss in found] == lost


def test_a_state_that_is_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[object] = []

    def invoke(_token: str, inputs: Mapping[str, str]) -> InvokeResult:
        tries.append(inputs["stackName"])
        if len(tries) < 3:
            raise Exception("failed to load checkpoint: EOF")  # noqa: TRY002  # as the SDK does
        return InvokeResult({"outputs": {f"{PREFIX}{HOST}::a": {"type": HOST, "outputs": host(1)}}})

    monkeypatch.setattr("pulumi.runtime.invoke", invoke)
    monkeypatch.setattr("infra.losses.RETRY_SECONDS", 0)
    assert read_state("lokal") == {(HOST, "a"): host(1)}
    assert len(tries) == 3


def test_a_state_that_can_not_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def invoke(_token: str, _inputs: Mapping[str, str]) -> InvokeResult:
        raise Exception("failed to load checkpoint: EOF")  # noqa: TRY002  # as the SDK does

    monkeypatch.setattr("pulumi.runtime.invoke", invoke)
    monkeypatch.setattr("infra.losses.READ_SECONDS", 0)
    with pytest.raises(OperatorError, match=r"can't be read \(failed to load checkpoint: EOF\); nothing was changed"):
        read_state("lokal")


def test_the_engines_plan_is_read() -> None:
    steps: list[dict[str, object]] = [
        {"op": "same", "urn": f"{PREFIX}{HOST}::kept"},
        {"op": "update", "urn": f"{PREFIX}{HOST}::changed"},
        {"op": "create", "urn": f"{PREFIX}{HOST}::new"},
        {"op": "refresh", "urn": f"{PREFIX}{HOST}::looked-at"},
        {"op": "delete", "urn": f"{PREFIX}{HOST}::gone"},
        {"op": "delete-replaced", "urn": f"{PREFIX}{NETWORK}::moved"},
        {"op": "replace", "urn": f"{PREFIX}{NETWORK}::moved"},
        {"op": "create-replacement", "urn": f"{PREFIX}{NETWORK}::moved"},
        {"op": "delete", "urn": "urn:pulumi:lokal::tegak::aws:iam/role:Role::nobody-notices"},
        {"op": "replace", "urn": f"urn:pulumi:lokal::tegak::{BUCKET}::site"},
    ]
    assert planned_losses(steps) == [
        Loss("bucket", "site", "replaced"),
        Loss("host", "gone", "deleted"),
        Loss("network", "moved", "replaced"),
    ]


def test_nothing_is_lost_before_its_number_is_named() -> None:
    lost = [Loss("host", "a", "deleted"), Loss("host", "b", "replaced")]
    for named in (None, 1, 3):
        with pytest.raises(
            OperatorError, match=r"2 would be destroyed: host a \(deleted\), host b \(replaced\)"
        ) as error:
            refuse_unnamed("lokal", lost, named)
        assert "--destroy 2" in str(error.value.next_command)
    refuse_unnamed("lokal", lost, 2)
    refuse_unnamed("lokal", [], None)
    refuse_unnamed("lokal", [], 2)  # done already


@pytest.mark.parametrize("text", ["all", "-1", "1.0", "²", "9" * 5000])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="--destroy is"):
        read_number(text, "--destroy")


def test_a_number_is_read() -> None:
    assert read_number("12", "") == 12
    assert read_number(None, "") is read_number("", "") is None
