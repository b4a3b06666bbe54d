"""From what a page says to HTML."""

import base64
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app import pages, words

ERRORS = {
    404: ("Halaman tidak ditemukan", "Wilayah atau TPS ini tidak ada dalam data hitung suara."),
    405: ("Permintaan tidak didukung", "Alamat ini hanya dapat dibaca."),
    500: ("Terjadi kesalahan", "Halaman ini sedang tidak dapat ditampilkan."),
    503: ("Data belum tersedia", "Data hitung suara sedang disiapkan."),
}
MAY_SUCCEED = (500, 503)
"""What is worth trying again."""

FEW = 4
"""So many candidates have room for a column each; more of them are shown in cards on any screen."""


class Renderer:
    """Renders the pages of one release.

    Style sheet, script and icon are part of every page: while two releases run side by side, no page asks one host for
    the other release's file.

    Args:
        release: The release's name, shown at the foot of each page.
    """

    def __init__(self, release: str) -> None:
        style, script = _template("style.css"), _template("old_address.js")
        self.security_headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src '{_source(style)}'; "
            f"script-src '{_source(script)}'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        self._environment = Environment(
            loader=PackageLoader("app"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # a release's files don't change, and looking costs a tenth of a page
        )
        self._frame = {
            "style": Markup(style),  # noqa: S704  # our own file
            "script": Markup(script),  # noqa: S704  # our own file
            "release": release,
            "few": FEW,
            "remark_words": words.REMARKS,
        }
        filters: dict[str, Any] = {
            "number": words.number,
            "moment": words.moment,
            "machine_moment": words.machine_moment,
            "entered_share": pages.entered_share,
            "found": pages.found,
        }
        self._environment.filters.update(filters)
        for name in self._environment.list_templates(extensions=["j2"]):
            self._environment.get_template(name)  # compiled once, before processes are forked and somebody waits

    def render(self, template: str, page: pages.Page) -> bytes:
        """Render a page."""
        return self._environment.get_template(f"{template}.html.j2").render(page=page, **self._frame).encode()

    def render_error(self, status: int) -> bytes:
        """Render the page for an error."""
        title, text = ERRORS.get(status, ERRORS[500])
        values = {"title": title, "text": text, "may_succeed": status in MAY_SUCCEED}
        return self._environment.get_template("error.html.j2").render(page=None, **values, **self._frame).encode()


def _template(name: str) -> str:
    return (resources.files("app") / "templates" / name).read_text(encoding="utf-8").strip()


def _source(text: str) -> str:
    """How the security policy names what stands in the page itself."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
