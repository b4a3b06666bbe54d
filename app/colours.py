"""A candidate's colour as far as it can be read: darkened on white or lightened on black until it has enough contrast.

How contrast is computed, and how much text needs: https://www.w3.org/TR/WCAG22/#contrast-minimum
"""

ENOUGH = 4.6
"""Text needs 4.5; the rest is for rounding to whole steps of a colour."""

STEPS = 64
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LIGHT_PAPER, DARK_PAPER = (255, 255, 255), (13, 17, 23)
"""What the pages are printed on, by day and by night (app/templates/style.css)."""

LINEAR_BELOW = 0.04045
Colour = tuple[int, int, int]


def on_light(colour: str) -> str:
    """The colour on white paper, `#rrggbb`."""
    return _readable(colour, LIGHT_PAPER, BLACK)


def on_dark(colour: str) -> str:
    """The colour at night, `#rrggbb`."""
    return _readable(colour, DARK_PAPER, WHITE)


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def read_colour(text: str) -> Colour:
    """The parts of `#rrggbb`."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _readable(text: str, paper: Colour, towards: Colour) -> str:
    colour = read_colour(text)
    for step in range(STEPS + 1):
        red, green, blue = (
            round(part + (end - part) * step / STEPS) for part, end in zip(colour, towards, strict=True)
        )
        if contrast((red, green, blue), paper) >= ENOUGH:
            return f"#{red:02x}{green:02x}{blue:02x}"
    raise AssertionError(f"{towards} can't be read on {paper}")


def _luminance(colour: Colour) -> float:
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: int) -> float:
    share = part / 255
    return share / 12.92 if share <= LINEAR_BELOW else ((share + 0.055) / 1.055) ** 2.4
