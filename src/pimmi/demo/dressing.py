"""What people put on or around a picture: text, captions, emoji, borders, the screen it was seen on."""

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from pimmi.demo.emoji import EMOJI, emoji
from pimmi.demo.frames import browser, phone
from pimmi.demo.lettering import font, wrap, write_bold
from pimmi.demo.raster import Colour, Image, random_colour

PHRASES = (
    "BREAKING NEWS",
    "SHARE BEFORE IT IS DELETED",
    "wait for it...",
    "THIS IS FINE",
    "look at the left corner",
    "FAKE",
    "no comment",
    "WHO DID THIS",
    "Paris, last night",
    "they don't want you to see this",
    "TRUE STORY",
    "me on Monday",
    "SOLD OUT",
    "exclusive picture",
    "never forget",
    "caught on camera",
    "Why always me?",
    "100 % real",
    "EVERY SINGLE TIME",
    "nobody talks about it",
)
CAPTIONS = (
    "When you said five minutes and it has been two hours",
    "Nobody: absolutely nobody: my cat at 4 in the morning",
    "How it started and how it is going",
    "Me explaining to my mother why the screen is black",
    "The train is late again and it's only Tuesday",
    "When the teacher says choose your partner",
    "My plans for the year against the first of January",
    "Tell me you are tired without telling me",
    "When the coffee machine asks for an update",
    "What my friends think I do all day",
    "That moment when the whole room goes quiet",
    "If this gets a thousand likes I will explain",
    "They told me it could not be done",
    "When you finally read the instructions",
    "Pov: you opened the group chat after one hour",
    "The last slice of pizza looking at me",
    "Every family dinner since the election",
    "When the weekend is over but you are not ready",
    "I was not ready for this one",
    "Somebody please tell me this is a joke",
)


def write_over(image: Image, rng: np.random.Generator) -> Image:
    """An outlined phrase over the picture, 45 to 95 % as wide unless it would be taller than a fifth."""
    height, width = image.shape[:2]
    picture = PillowImage.fromarray(image)
    draw = ImageDraw.Draw(picture)
    phrase = str(rng.choice(PHRASES))
    size = min(0.2 * height, 100 * width * float(rng.uniform(0.45, 0.95)) / font(100).getlength(phrase))
    x = float(rng.uniform(0.02, 0.98)) * (width - font(size).getlength(phrase))
    y = float(rng.uniform(0.02, 0.98)) * (height - 1.3 * size)
    fill, outline = ((255, 255, 255), (0, 0, 0)) if rng.integers(2) else (random_colour(rng), (255, 255, 255))
    draw.text((x, y), phrase, fill=fill, font=font(size), stroke_width=max(1, size / 14), stroke_fill=outline)
    return np.asarray(picture)


def add_caption(image: Image, rng: np.random.Generator) -> Image:
    """A white band above the picture with bold black text in one to four lines."""
    height, width = image.shape[:2]
    size = max(9.0, width * float(rng.uniform(0.055, 0.085)))
    margin = round(0.04 * width)
    lines = wrap(str(rng.choice(CAPTIONS)), size=size, width=width - 2 * margin)
    band = round(len(lines) * 1.25 * size) + 2 * margin
    canvas = PillowImage.new("RGB", (width, height + band), "white")
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        write_bold(draw, (margin, margin + number * 1.25 * size), line, size=size, fill=(0, 0, 0))
    canvas.paste(PillowImage.fromarray(image), (0, band))
    return np.asarray(canvas)


def add_two_emoji(image: Image, rng: np.random.Generator) -> Image:
    """Two different emoji, each a sixth of the area; apart when one of 20 random places allows it."""
    height, width = image.shape[:2]
    side = round(min(np.sqrt(4 / np.pi * height * width / 6), 0.95 * min(height, width)))
    first, second = (int(number) for number in rng.choice(len(EMOJI), 2, replace=False))
    places = rng.integers(0, (width - side + 1, height - side + 1), (20, 2, 2))
    distances = np.linalg.norm(places[:, 0] - places[:, 1], axis=1)
    apart = np.flatnonzero(distances >= side)
    chosen = places[apart[0] if len(apart) else distances.argmax()]
    canvas = image.copy()
    for number, (x, y) in zip((first, second), chosen, strict=True):
        drawn = emoji(number, side=side)
        opacity = drawn[..., 3:] / 255
        beneath = canvas[y : y + side, x : x + side]
        canvas[y : y + side, x : x + side] = (drawn[..., :3] * opacity + beneath * (1 - opacity)).round()
    return canvas


def add_border(image: Image, rng: np.random.Generator) -> Image:
    """A border of one colour, 4 to 12 % of the short side wide."""
    thickness = max(2, round(min(image.shape[:2]) * float(rng.uniform(0.04, 0.12))))
    red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
    return enclose(image, thickness=thickness, colour=(red, green, blue))


def enclose(image: Image, *, thickness: int, colour: Colour) -> Image:
    """Add `thickness` pixels of one colour on every side."""
    enclosed = cv2.copyMakeBorder(
        image, thickness, thickness, thickness, thickness, cv2.BORDER_CONSTANT, value=colour
    )
    return np.asarray(enclosed, dtype=np.uint8)


def take_screenshot(image: Image, rng: np.random.Generator) -> Image:
    """The picture inside the screen of a telephone or of a web browser."""
    return phone(image) if rng.integers(2) else browser(image)
