"""From what a page says to HTML."""

import base64
import hashlib
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

NOTHING = "\N{EN DASH}"
"""Stands where nothing is entered."""

ERRORS = {
    404: ("Halaman tidak ditemukan", "Wilayah atau TPS ini tidak ada dalam data hitung suara."),
    405: ("Permintaan tidak didukung", "Alamat ini hanya dapat dibaca."),
    500: ("Terjadi kesalahan", "Halaman ini sedang tidak dapat ditampilkan. Silakan coba lagi sebentar lagi."),
    503: ("Data belum tersedia", "Data hitung suara sedang disiapkan. Silakan coba lagi sebentar lagi."),
}


class Renderer:
    """Renders the pages of one release.

    The style sheet is part of every page: while two releases run side by side, no page asks one host for the other
    release's file.

    Args:
        release: The release's name, shown at the foot of each page.
    """

    def __init__(self, release: str) -> None:
        style = (resources.files("app") / "templates/style.css").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.security_headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        self._environment = Environment(
            loader=PackageLoader("app"),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._frame = {"style": Markup(style), "release": release}  # noqa: S704  # our own file
        self._environment.filters |= {"number": number, "percent": percent}

    def render(self, template: str, page: object) -> bytes:
        """Render a page."""
        return self._environment.get_template(f"{template}.html.j2").render(page=page, **self._frame).encode()

    def render_error(self, status: int) -> bytes:
        """Render the page for an error."""
        title, text = ERRORS.get(status, ERRORS[500])
        return self._environment.get_template("error.html.j2").render(title=title, text=text, **self._frame).encode()


def number(value: int | None) -> str:
    """A number as Indonesians write it: dots between thousands; a dash where nothing is entered."""
    return NOTHING if value is None else f"{value:,}".replace(",", ".")


def percent(share: float | None) -> str:
    """A share as Indonesians write it, with a decimal comma."""
    return NOTHING if share is None else f"{share * 100:.2f}%".replace(".", ",")
