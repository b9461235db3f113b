"""Text drawn with the one font that comes inside Pillow."""

from PIL import ImageDraw, ImageFont

from pimmi.demo.raster import Colour


def font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font; size in pixels."""
    loaded = ImageFont.load_default(max(6.0, size))
    assert isinstance(loaded, ImageFont.FreeTypeFont)
    return loaded


def wrap(text: str, *, size: float, width: float) -> list[str]:
    """Break into lines no wider than `width` pixels; a single longer word keeps a line of its own."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font(size).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def write_bold(
    draw: ImageDraw.ImageDraw, position: tuple[float, float], text: str, *, size: float, fill: Colour | str
) -> None:
    """One line of bold text, its top left corner at `position` (x, y in pixels)."""
    thickness = max(0.5, size / 28)
    draw.text(position, text, fill=fill, font=font(size), stroke_width=thickness, stroke_fill=fill)
