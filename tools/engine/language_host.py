"""The language host that a source-built Pulumi engine needs: a gRPC server that starts Python programs.

The engine starts it as `pulumi-language-python`, reads the port it prints, and asks it to run the program. The real
one is not published as a module of its own, so this serves what this project uses: one program, in this very virtual
environment. The official CLI brings its own and never meets this file.
"""

import json
import os
import subprocess
import sys
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

MESSAGE_WAS_SHOWN = 32
"""The exit code of pulumi-language-python-exec after it told the engine what went wrong."""

MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """What the engine asks of a language.

    Args:
        engine_address: Where the engine listens, for the program's log messages.
        exec_path: The program's runner, pulumi-language-python-exec.
    """

    def __init__(self, engine_address: str, exec_path: Path) -> None:
        self._engine_address = engine_address
        self._exec_path = exec_path

    def Handshake(self, request: Any, context: Any) -> Any:
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()  # dynamic resources come with the SDK

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def About(self, request: Any, context: Any) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Any:
        yield from ()  # set-up installed them

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> Any:
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with subprocess.Popen(self._command(request), env=environment, cwd=request.pwd or None) as program:
            # An engine that gives up hangs up, and waits for us to end: the program asks it in vain for ever.
            if not context.add_callback(program.terminate):
                program.terminate()
            code = program.wait()
        if code == MESSAGE_WAS_SHOWN:
            return language_pb2.RunResponse(bail=True)
        if code != 0:
            return language_pb2.RunResponse(error=f"the program ended with exit code {code}")
        return language_pb2.RunResponse()

    def _command(self, request: Any) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "project": request.project,
            "stack": request.stack,
            "pwd": request.pwd,
            "root_directory": request.info.root_directory,
            "dry_run": "true" if request.dryRun else "",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        command = [sys.executable, "-u", str(self._exec_path)]
        for name, value in options.items():
            command += [f"--{name}", value] if value else []
        program = Path(request.info.program_directory) / request.info.entry_point
        return [*command, str(program), *request.args]


def serve(arguments: list[str]) -> int:
    """Serve until the engine ends us; print the port, as the engine expects."""
    engine_address = next((word for word in reversed(arguments) if not word.startswith("-")), "")
    options = [("grpc.max_receive_message_length", MAXIMUM_MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=options)
    exec_path = Path(os.environ["TEGAK_LANGUAGE_EXEC"])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine_address, exec_path), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(0)
    return 0


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:]))
