"""Text for pictures: one font, carried by the package, so that a caption has the same pixels on every machine."""

from pathlib import Path

from PIL import ImageFont

FONT = Path(__file__).parent.parent / "fonts" / "DejaVuSans.ttf"
MOST_LINES = 8


def font(size: int) -> ImageFont.FreeTypeFont:
    """The font with letters of `size` pixels; the simple layout, since a richer one is not installed everywhere."""
    return ImageFont.truetype(FONT, size, layout_engine=ImageFont.Layout.BASIC)


def line_height(letters: ImageFont.FreeTypeFont) -> int:
    """Pixels from one line of text to the next."""
    return round(1.3 * letters.size)


def wrapped(text: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a text into lines of at most `width` pixels, between words where that is possible.

    A text of more than eight lines ends with an ellipsis there. Blank text has no line.
    """
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        lines.append("")
        for word in paragraph.split():
            joined = f"{lines[-1]} {word}".strip()
            if letters.getlength(joined) <= width:
                lines[-1] = joined
                continue
            pieces = broken(word, letters, width)
            lines[-1:] = [lines[-1], *pieces] if lines[-1] else pieces
            if len(lines) > MOST_LINES:
                break
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES - 1], shortened(lines[MOST_LINES - 1] + " …", letters, width)]


def broken(word: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Cut a word that is wider than a line into pieces that are not; a single letter is never cut."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and letters.getlength(pieces[-1] + letter) > width:
            if len(pieces) > MOST_LINES:
                break
            pieces.append("")
        pieces[-1] += letter
    return pieces


def shortened(line: str, letters: ImageFont.FreeTypeFont, width: int) -> str:
    """Take letters away before the ellipsis at the end of a line, until it is at most `width` pixels."""
    while len(line) > 1 and letters.getlength(line) > width:
        line = line[:-2].rstrip() + "…"
    return line
