"""Many readers in one process, who go from page to page at a bounded rate, half of them over a new connection each."""

import asyncio
import datetime as dt
import random
import ssl
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from tests.deploy.test_never_back import ADDRESSES, time_in
from tests.deploy.test_rollout import url
from tests.stands.lab import LabStack

READERS, PAUSE_SECONDS, TIMEOUT_SECONDS = 200, 3.0, 20
"""So many, each of whom asks so often: some 70 requests a second in all, which leaves two processors to the lab."""


@dataclass
class Crowd:
    """What was published, and what the readers saw.

    Args:
        published: The times of the count, in the order in which they were published; the last may be on its way.
        ended: How many of these publications have ended.
        seen: How many answers showed each time.
        failures: What was no answer, older than one before, or older than what was published when it was asked for.
    """

    published: list[dt.datetime] = field(default_factory=list[dt.datetime])
    ended: int = 0
    seen: Counter[dt.datetime] = field(default_factory=Counter[dt.datetime])
    failures: list[str] = field(default_factory=list[str])

    def take(self, address: str, answer: httpx2.Response, least: int) -> int:
        """Hold an answer against the least that a reader may see; the order of what it shows."""
        assert answer.status_code == 200, f"status {answer.status_code}"
        shown = time_in(address, answer.content)
        assert shown in self.published, f"{shown} was never published"
        order = len(self.published) - 1 - self.published[::-1].index(shown)
        assert order >= least, f"{shown} is of publication {order}, and {least} was seen or published before"
        self.seen[shown] += 1
        return order


@contextmanager
def crowd(stack: LabStack, published: Sequence[dt.datetime]) -> Generator[Crowd, None, None]:
    """Readers, until the block is left.

    Args:
        stack: Where.
        published: What has been published so far.
    """
    seen, stop = Crowd(list(published), len(published)), threading.Event()
    site = url(stack)  # here, and not in the thread: it is read with another environment
    thread = threading.Thread(target=lambda: asyncio.run(_read_all(stack, site, seen, stop)), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


async def _read_all(stack: LabStack, site: str, seen: Crowd, stop: threading.Event) -> None:
    authority = ssl.create_default_context(cafile=str(stack.ca_file))
    kept, anew = httpx2.Limits(max_connections=READERS), httpx2.Limits(max_keepalive_connections=0)
    async with (
        httpx2.AsyncClient(base_url=site, verify=authority, limits=kept, timeout=TIMEOUT_SECONDS) as keeps,
        httpx2.AsyncClient(base_url=site, verify=authority, limits=anew, timeout=TIMEOUT_SECONDS) as opens,
    ):
        await asyncio.gather(*(_read(number, (keeps, opens)[number % 2], seen, stop) for number in range(READERS)))


async def _read(number: int, client: httpx2.AsyncClient, seen: Crowd, stop: threading.Event) -> None:
    chance = random.Random(number)  # noqa: S311  # nothing secret
    newest = 0
    await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
    while not stop.is_set():
        address = chance.choice(ADDRESSES)
        least = max(newest, seen.ended - 1)
        try:
            newest = seen.take(address, await client.get(address), least)
        except Exception as error:  # noqa: BLE001  # a failure, whatever it is
            seen.failures.append(f"{dt.datetime.now(dt.UTC):%H:%M:%S} reader {number}, {address}: {error!r}")
        await asyncio.sleep(chance.uniform(0, 2 * PAUSE_SECONDS))
