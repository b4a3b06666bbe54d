"""From what a page says to HTML."""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app import pages, words
from app.addresses import ARCHIVE_INDEX
from app.colours import on_dark, on_light
from app.election import Election

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
        self._style, self._script = _template("style.css"), _template("old_address.js")
        self._environment = Environment(
            loader=PackageLoader("app"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # a release's files don't change, and looking costs a tenth of a page
        )
        self._frame = {
            "style": Markup(self._style),  # noqa: S704  # our own file
            "script": Markup(self._script),  # noqa: S704  # our own file
            "release": release,
            "archive_index": ARCHIVE_INDEX,
            "few": FEW,
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

    def headers(self, election: Election | None = None) -> dict[str, str]:
        """What a page's answer says of what may be done with it.

        Args:
            election: Whose colours are in the page; None of a page that is of no election.
        """
        styles = [self._style, *([colours_of(election)] if election else [])]
        allowed = " ".join(f"'{_source(style)}'" for style in styles)
        return {
            "Content-Security-Policy": f"default-src 'none'; style-src {allowed}; "
            f"script-src '{_source(self._script)}'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def render(self, template: str, page: pages.Page) -> bytes:
        """Render a page."""
        own = {"colours": Markup(colours_of(page.election)), "remark_words": words.remarks(page.election.choice)}  # noqa: S704  # made of digits
        return self._environment.get_template(f"{template}.html.j2").render(page=page, **own, **self._frame).encode()

    def render_error(self, status: int) -> bytes:
        """Render the page for an error."""
        title, text = ERRORS.get(status, ERRORS[500])
        values = {"title": title, "text": text, "may_succeed": status in MAY_SUCCEED}
        return self._environment.get_template("error.html.j2").render(page=None, **values, **self._frame).encode()


@cache
def colours_of(election: Election) -> str:
    """The style sheet with the candidates' colours: their own, as far as they can be read by day and by night."""
    few = election.candidates[:FEW]
    days = "".join(f"--pair-{n}:{on_light(each.colour)};" for n, each in enumerate(few, 1))
    nights = "".join(f"--pair-{n}:{on_dark(each.colour)};" for n, each in enumerate(few, 1))
    return f":root{{{days}}}@media(prefers-color-scheme:dark){{:root{{{nights}}}}}"


@cache
def _source(text: str) -> str:
    """How the security policy names what stands in the page itself."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _template(name: str) -> str:
    return (resources.files("app") / "templates" / name).read_text(encoding="utf-8").strip()
