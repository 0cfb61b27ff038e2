"""Colours as text, #rrggbb: how well one is seen on another, and what lies between two.

Contrast is that of WCAG 2.2: 4.5 for text, 3 for what is no text but must be told apart.
"""

__all__ = ["contrast", "mix", "seen_on"]

Rgb = tuple[float, float, float]


def channels(colour: str) -> Rgb:
    """Red, green and blue in [0, 1]; ValueError when it is no #rrggbb."""
    if len(colour) != 7 or not colour.startswith("#"):
        raise ValueError(f"is {colour!r}, must be like #4fa3e0")
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def text(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, value))):02x}" for value in rgb)


def luminance(colour: str) -> float:
    """Relative luminance, 0 black to 1 white."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 (none) to 21 (black on white)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """`share` of `other` in `one`: 0 is `one`, 1 is `other`."""
    (a, b, c), (x, y, z) = channels(one), channels(other)
    return text((a + (x - a) * share, b + (y - b) * share, c + (z - c) * share))


def seen_on(colour: str, ground: str, ratio: float = 3.0) -> str:
    """The colour, made lighter on a dark ground or darker on a light one until its contrast is at least `ratio`."""
    towards = "#ffffff" if luminance(ground) < 0.18 else "#000000"
    for step in range(21):
        found = mix(colour, towards, step / 20)
        if contrast(found, ground) >= ratio:
            return found
    return towards
