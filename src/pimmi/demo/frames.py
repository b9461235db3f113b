"""Two screens that a picture may be seen in: a post in a telephone's app, and a page in a web browser.

Everything but the picture is the same in every image that has the frame.
"""

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from pimmi.demo.lettering import font, write_bold
from pimmi.demo.raster import Image, resize

PHONE = (540, 1080)
BROWSER = (1024, 768)
INK = (24, 28, 36)
FAINT = (120, 128, 140)
LINE = (222, 226, 232)
BLUE = (29, 120, 230)


def _fit(image: Image, *, width: int, height: int) -> PillowImage.Image:
    """The largest size that fits the box."""
    factor = min(width / image.shape[1], height / image.shape[0])
    fitted = resize(
        image, width=max(1, round(image.shape[1] * factor)), height=max(1, round(image.shape[0] * factor))
    )
    return PillowImage.fromarray(fitted)


def _avatar(draw: ImageDraw.ImageDraw, x: int, y: int, radius: int) -> None:
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(120, 80, 190))
    head = radius * 0.36
    draw.ellipse([x - head, y - radius * 0.60, x + head, y - radius * 0.60 + 2 * head], fill=(250, 220, 195))
    shoulders = radius * 0.62
    draw.chord(
        [x - shoulders, y + radius * 0.16, x + shoulders, y + radius * 1.5], 180, 360, fill=(250, 196, 60)
    )


def _status_bar(draw: ImageDraw.ImageDraw) -> None:
    width = PHONE[0]
    write_bold(draw, (28, 12), "14:32", size=22, fill=INK)
    for step in range(4):
        x = width - 150 + step * 9
        draw.rectangle([x, 30 - step * 5, x + 5, 34], fill=INK)
    for radius in (18, 12, 6):
        draw.arc(
            [width - 86 - radius, 32 - radius, width - 86 + radius, 32 + radius], 225, 315, fill=INK, width=3
        )
    draw.rounded_rectangle([width - 58, 14, width - 22, 34], radius=5, outline=INK, width=2)
    draw.rounded_rectangle([width - 55, 17, width - 34, 31], radius=3, fill=INK)
    draw.rectangle([width - 21, 20, width - 18, 28], fill=INK)


def _post_buttons(draw: ImageDraw.ImageDraw, y: int) -> None:
    draw.polygon([(24, y + 12), (38, y), (52, y + 12), (38, y + 34)], outline=INK, width=3)
    write_bold(draw, (62, y + 6), "2 418", size=19, fill=INK)
    draw.rounded_rectangle([150, y, 184, y + 26], radius=9, outline=INK, width=3)
    draw.polygon([(158, y + 25), (170, y + 25), (158, y + 36)], fill=INK)
    write_bold(draw, (194, y + 6), "307", size=19, fill=INK)
    draw.line([(270, y + 30), (302, y + 2)], fill=INK, width=3)
    draw.polygon([(302, y), (286, y + 4), (298, y + 16)], fill=INK)
    write_bold(draw, (314, y + 6), "Share", size=19, fill=INK)
    draw.polygon([(488, y), (510, y), (510, y + 34), (499, y + 24), (488, y + 34)], outline=INK, width=3)


def _navigation_bar(draw: ImageDraw.ImageDraw) -> None:
    width, height = PHONE
    top = height - 78
    draw.rectangle([0, top, width, height], fill=(250, 251, 253))
    draw.line([(0, top), (width, top)], fill=LINE, width=2)
    draw.polygon([(40, top + 34), (56, top + 16), (72, top + 34), (72, top + 46), (40, top + 46)], fill=BLUE)
    draw.ellipse([146, top + 16, 170, top + 40], outline=INK, width=4)
    draw.line([(167, top + 37), (180, top + 48)], fill=INK, width=4)
    draw.rounded_rectangle([246, top + 14, 294, top + 48], radius=10, fill=INK)
    draw.line([(270, top + 21), (270, top + 41)], fill="white", width=4)
    draw.line([(260, top + 31), (280, top + 31)], fill="white", width=4)
    draw.pieslice([362, top + 14, 394, top + 46], 180, 360, fill=INK)
    draw.rectangle([362, top + 30, 394, top + 42], fill=INK)
    _avatar(draw, 484, top + 31, 18)
    draw.rounded_rectangle([width // 2 - 70, height - 12, width // 2 + 70, height - 7], radius=3, fill=INK)


def phone(image: Image) -> Image:
    """A post in an app, 540 x 1080 px: the picture has the full width, or at most 700 px of height."""
    width, height = PHONE
    screen = PillowImage.new("RGB", PHONE, "white")
    draw = ImageDraw.Draw(screen)
    _status_bar(draw)
    draw.line([(30, 78), (18, 88), (30, 98)], fill=INK, width=4)
    write_bold(draw, (width // 2 - 38, 74), "Photos", size=25, fill=INK)
    draw.line([(0, 116), (width, 116)], fill=LINE, width=2)
    _avatar(draw, 48, 158, 28)
    write_bold(draw, (90, 134), "Camille Durand", size=21, fill=INK)
    draw.text((90, 162), "@camille_d - 3 h", fill=FAINT, font=font(18))
    draw.rounded_rectangle([410, 138, 518, 176], radius=19, fill=BLUE)
    write_bold(draw, (432, 146), "Follow", size=19, fill="white")
    draw.text((22, 202), "I had to show you this one, look closely", fill=INK, font=font(22))
    picture = _fit(image, width=width, height=700)
    draw.rectangle([0, 242, width, 242 + picture.height], fill=(240, 242, 245))
    screen.paste(picture, ((width - picture.width) // 2, 242))
    below = 242 + picture.height + 14
    _post_buttons(draw, below)
    if below + 130 < height - 80:
        write_bold(draw, (24, below + 54), "Liked by marco.p and 2 417 others", size=18, fill=INK)
        draw.text((24, below + 82), "See all 307 comments", fill=FAINT, font=font(18))
    _navigation_bar(draw)
    return np.asarray(screen)


def _browser_bars(draw: ImageDraw.ImageDraw) -> None:
    width = BROWSER[0]
    draw.rectangle([0, 0, width, 44], fill=(214, 219, 228))
    for x, colour in ((20, (238, 92, 86)), (42, (244, 190, 66)), (64, (86, 196, 88))):
        draw.ellipse([x - 7, 15, x + 7, 29], fill=colour)
    draw.rounded_rectangle([92, 8, 330, 56], radius=10, fill="white")
    draw.ellipse([104, 16, 122, 34], fill=(226, 90, 40))
    draw.text((130, 15), "The Daily Picture - today", fill=INK, font=font(15))
    draw.text((352, 12), "+", fill=INK, font=font(22))
    draw.rectangle([0, 44, width, 90], fill="white")
    for x, glyph in ((22, "<"), (54, ">")):
        write_bold(draw, (x, 54), glyph, size=20, fill=FAINT)
    draw.arc([86, 56, 106, 76], 30, 330, fill=FAINT, width=3)
    draw.rounded_rectangle([126, 50, width - 110, 82], radius=16, fill=(238, 241, 246))
    draw.text((146, 57), "https://www.daily-picture.example/news/today", fill=INK, font=font(15))
    _avatar(draw, width - 70, 66, 14)
    for y in (58, 66, 74):
        draw.ellipse([width - 32, y - 2, width - 27, y + 3], fill=INK)


def _side_column(draw: ImageDraw.ImageDraw) -> None:
    write_bold(draw, (742, 168), "Most read", size=20, fill=INK)
    titles = ("Trains: what changes", "A quiet summer ends", "Five recipes of soup", "Who pays for roads?")
    for step, title in enumerate(titles):
        y = 206 + step * 84
        draw.rectangle([742, y, 806, y + 60], fill=((200, 214, 236), (238, 214, 190))[step % 2])
        draw.ellipse([760, y + 14, 788, y + 42], fill=((96, 130, 190), (196, 110, 60))[step % 2])
        write_bold(draw, (818, y + 6), title, size=15, fill=INK)
        draw.text((818, y + 32), f"{step + 2} min - politics", fill=FAINT, font=font(14))
    draw.rounded_rectangle([742, 552, 996, 620], radius=8, fill=(255, 214, 64))
    write_bold(draw, (786, 573), "Subscribe for 1 euro", size=17, fill=INK)


def browser(image: Image) -> Image:
    """A page in a browser, 1024 x 768 px: the picture fits a box of 690 x 500 px."""
    width, height = BROWSER
    screen = PillowImage.new("RGB", BROWSER, "white")
    draw = ImageDraw.Draw(screen)
    draw.rectangle([0, 90, width, 150], fill=(28, 40, 66))
    write_bold(draw, (28, 104), "THE DAILY PICTURE", size=26, fill="white")
    for x, entry in ((420, "World"), (510, "Politics"), (610, "Culture"), (710, "Sport"), (800, "Videos")):
        draw.text((x, 110), entry, fill=(206, 214, 230), font=font(17))
    draw.rounded_rectangle([898, 102, 996, 138], radius=6, fill=(226, 90, 40))
    write_bold(draw, (920, 110), "Log in", size=17, fill="white")
    picture = _fit(image, width=690, height=500)
    screen.paste(picture, (28 + (690 - picture.width) // 2, 168))
    below = 168 + picture.height + 12
    draw.text((28, below), "The picture that everyone shares. Photo: agency", fill=FAINT, font=font(15))
    write_bold(draw, (28, below + 28), "What we know about this picture", size=24, fill=INK)
    for line in range(max(0, (height - below - 70) // 22)):
        draw.text(
            (28, below + 64 + line * 22),
            "It was first seen on Monday, then shared again by thousands of accounts, say observers.",
            fill=INK,
            font=font(16),
        )
    _side_column(draw)
    _browser_bars(draw)
    return np.asarray(screen)
