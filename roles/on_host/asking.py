"""Runs on a host, before the program that measures there (see `roles.scripts.gate`): asks servers the same requests.

What is asked are addresses of the site that exist: some of its regions and polling stations, found by going down from
the nation at random, with a seed, so that each host that is to ask itself asks the same. A request is answered if its
answer is a 200.
"""

import contextlib
import http.client
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

WORKERS = 4
"""So that a distance of some milliseconds doesn't multiply by the number of requests."""

ANSWER_SECONDS = 5
AFTER_SECONDS = 30
"""After the time for it, nothing more is asked than servers have answered until then."""

WALKS = 24
LEVELS = 5
GUIDES = 3
"""So many servers are asked for the names of regions before they are given up."""

OK = 200
ANEW = {"Tegak-Anew": "1"}
"""Has an app host's nginx ask the service, also for a page that it has kept: what is measured is what makes them."""


class ServerLink:
    """A connection to a server, kept from one request to the next.

    Args:
        place: Its address and port.
    """

    def __init__(self, place: "tuple[str, int]") -> None:
        self._http = http.client.HTTPConnection(*place, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        """End it."""
        self._http.close()

    def get(self, path: str) -> "bytes | None":
        """The answer's body; None if there is none, or another one than 200."""
        kept = self._http.sock is not None
        with contextlib.suppress(OSError, http.client.HTTPException):
            try:
                return self._once(path)
            except ConnectionError:
                # A connection that was idle may be closed at any moment, and then the request is asked again (RFC 9112,
                # 9.3.1); one that is new has no such excuse.
                self._http.close()
                if kept:
                    return self._once(path)
        self._http.close()
        return None

    def timed(self, path: str) -> "float | None":
        """Milliseconds that the answer took; None if there was none."""
        started = time.monotonic()
        body = self.get(path)
        return None if body is None else round((time.monotonic() - started) * 1000, 1)

    def _once(self, path: str) -> "bytes | None":
        self._http.request("GET", path, headers=ANEW)
        response = self._http.getresponse()
        body = response.read()
        return body if response.status == OK else None


def addresses(asked: "dict[str, Any]", places: "list[tuple[str, int]]") -> "list[str]":
    """What is asked, mixed: what is always there, and what the first server that answers has of its regions."""
    found = list(asked["fixed"])
    guides = ((place, shown_election(place, asked)) for place in places[:GUIDES])
    guide, election = next(((place, election) for place, election in guides if election), (None, ""))
    if guide is not None:
        with ThreadPoolExecutor(WORKERS) as pool:
            for walked in pool.map(partial(walk, asked, guide), range(WALKS)):
                found += walked
        found = [page.replace("{election}", election) for page in [*found, *asked["of_election"]]]
    found = list(dict.fromkeys(found))
    random.Random(asked["seed"]).shuffle(found)  # noqa: S311  # the same everywhere is what is wanted
    return found


def shown_election(place: "tuple[str, int]", asked: "dict[str, Any]") -> str:
    """Which election a server shows; empty if it doesn't say, or not what the nation consists of."""
    with contextlib.closing(ServerLink(place)) as link:
        shown = document(link, asked["election"]).get("election")
        return shown if isinstance(shown, str) and names(link, asked["nation"]) else ""


def walk(asked: "dict[str, Any]", place: "tuple[str, int]", number: int) -> "list[str]":
    """The addresses of one polling station and all that it is part of."""
    chooser = random.Random(f"{asked['seed']} {number}")  # noqa: S311  # as above
    found: list[str] = []
    listed, region = asked["nation"], ""
    with contextlib.closing(ServerLink(place)) as link:
        for level in range(1, LEVELS + 1):
            children = names(link, listed)
            if not children:
                break
            region += f"/{chooser.choice(children)}"
            listed = asked["names"].replace("{region}", region)
            found += [page.replace("{region}", region) for page in asked["of_region"]]
            found += [listed] if level < LEVELS else []
    return found


def names(link: ServerLink, path: str) -> "list[str]":
    """The ids of what a region consists of; none if it doesn't say."""
    return sorted(document(link, path))


def document(link: ServerLink, path: str) -> "dict[str, object]":
    """What a server says in JSON; nothing if it says nothing."""
    with contextlib.suppress(ValueError):
        said = json.loads(link.get(path) or b"")
        return cast("dict[str, object]", said) if isinstance(said, dict) else {}
    return {}


def ask_all(
    asked: "dict[str, Any]",
    places: "dict[str, tuple[str, int]]",
    pages: "list[str]",
) -> "list[tuple[str, int, str, float | None]]":
    """Ask each request of a canary and of one of the others, now this one first and now that, over the given time.

    Returns:
        The server, the request's number and address, and milliseconds or None, of each request to each server.
    """
    canaries, others = asked["canaries"], asked["others"]
    requests, seconds = asked["requests"], asked["seconds"]
    begun = time.monotonic()

    def work(worker: int) -> "list[tuple[str, int, str, float | None]]":
        answers: list[tuple[str, int, str, float | None]] = []
        with contextlib.ExitStack() as stack:
            links = {name: stack.enter_context(contextlib.closing(ServerLink(place))) for name, place in places.items()}
            for number in range(worker, requests, WORKERS):
                time.sleep(max(0.0, begun + seconds * number / requests - time.monotonic()))
                if time.monotonic() > begun + seconds + AFTER_SECONDS:
                    break
                pair = [group[number % len(group)] for group in (canaries, others) if group]
                turned = number // WORKERS % 2
                for name in reversed(pair) if turned else pair:
                    address = pages[number % len(pages)]
                    answers.append((name, number, address, links[name].timed(address)))
        return answers

    with ThreadPoolExecutor(WORKERS) as pool:
        return [answer for answers in pool.map(work, range(WORKERS)) for answer in answers]
