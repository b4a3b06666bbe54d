"""The part of testinfra's host that the suite uses, typed: its modules are made at run time."""

from typing import Protocol


class Service(Protocol):
    is_running: bool
    is_enabled: bool


class File(Protocol):
    exists: bool
    content_string: str


class Result(Protocol):
    rc: int
    stdout: str


class Remote(Protocol):
    def service(self, name: str, /) -> Service: ...

    def file(self, path: str, /) -> File: ...

    def run(self, command: str, /, *args: str) -> Result: ...

    def check_output(self, command: str, /, *args: str) -> str: ...
