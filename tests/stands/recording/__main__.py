"""Serve until the engine ends us; print the port, as the engine expects of a plugin."""

import os
import sys
from concurrent import futures
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from tests.stands.recording.provider import Provider
from tests.stands.recording.world import WORLD_VARIABLE

MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit."""

THREADS = 8


def main() -> int:
    """Serve; return the exit code."""
    options = [("grpc.max_receive_message_length", MAXIMUM_MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(Path(os.environ[WORLD_VARIABLE])), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
