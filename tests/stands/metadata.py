"""Stands in for EC2's metadata service (version 2) on an instance: its id, and credentials of its role.

Runs inside a lab host, with the host's own Python and nothing else. The argument is the instance's id.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "token-of-this-boot"  # noqa: S105
ROLE = "meta-data/iam/security-credentials/"
CREDENTIALS = {
    "Code": "Success",
    "Type": "AWS-HMAC",
    "AccessKeyId": "testing",
    "SecretAccessKey": "testing",
    "Token": "testing",
    "Expiration": "2099-01-01T00:00:00Z",
    "LastUpdated": "2026-01-01T00:00:00Z",
}


class Metadata(BaseHTTPRequestHandler):
    """Answers who has a token."""

    def do_PUT(self) -> None:
        self._answer(TOKEN if self.path == "/latest/api/token" else None)

    def do_GET(self) -> None:
        known = {"meta-data/instance-id": sys.argv[1], ROLE: "hosts", f"{ROLE}hosts": json.dumps(CREDENTIALS)}
        may = self.headers.get("X-aws-ec2-metadata-token") == TOKEN
        self._answer(known.get(self.path.removeprefix("/latest/")) if may else None)

    def _answer(self, text: str | None) -> None:
        self.send_response(200 if text is not None else 404)
        self.end_headers()
        self.wfile.write((text or "").encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("169.254.169.254", 80), Metadata).serve_forever()
