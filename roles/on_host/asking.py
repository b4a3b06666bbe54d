"""Runs on a host, before the program that measures there (see `roles.scripts.gate`): asks a server some requests."""

import http.client
import time
from typing import Any

ANSWER_SECONDS = 5
SERVER_ERROR = 500


def probe(host: str, port: int, requests: int, pages: "list[str]") -> "dict[str, Any]":
    """Ask a server directly, over one connection: how many of the requests failed, and how long each took."""
    errors = 0
    taken: list[int] = []
    link = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    for number in range(requests):
        started = time.monotonic()
        try:
            link.request("GET", pages[number % len(pages)])
            response = link.getresponse()
            response.read()
            errors += response.status >= SERVER_ERROR
        except (OSError, http.client.HTTPException):
            errors += 1
            link.close()
        taken.append(round((time.monotonic() - started) * 1000))
    link.close()
    return {"requests": requests, "errors": errors, "milliseconds": taken}
