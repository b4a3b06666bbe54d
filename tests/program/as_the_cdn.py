"""Asking a load balancer as the CDN does: by a name that leads to it in no name system here, over TLS."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

PAUSE_SECONDS = 0.005
TIMEOUT_SECONDS = 5


class ByAddress(http.client.HTTPSConnection):
    """A connection to a name that leads to an address in no name system here."""

    def __init__(self, name: str, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(name, port, timeout=TIMEOUT_SECONDS, context=context)
        self._where, self._tls = (address, port), context

    def connect(self) -> None:
        raw = socket.create_connection(self._where, self.timeout)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host)


@contextmanager
def asking(connect: Callable[[], ByAddress], path: str, headers: Mapping[str, str]) -> Generator[list[str], None, None]:
    """Ask on and on over a connection that is kept open, until the block is left.

    Args:
        connect: Makes the connection.
        path: What is asked for.
        headers: What is shown.

    Yields:
        The status of each answer, or why there was none.
    """
    seen: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        link = connect()
        while not stop.wait(PAUSE_SECONDS):
            try:
                link.request("GET", path, headers=dict(headers))
                answer = link.getresponse()
                answer.read()
                seen.append(str(answer.status))
            except (OSError, http.client.HTTPException) as error:
                seen.append(f"{type(error).__name__}: {error}")
                link.close()
        link.close()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(2 * TIMEOUT_SECONDS)
