"""The families of change: one registry of names, and how a copy of each is made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pimmi.demo import alterations, composites, dressing
from pimmi.demo.raster import Image, encode_jpeg

Alteration = Callable[[Image, np.random.Generator], Image]
Composition = Callable[[Image, Image, np.random.Generator], Image]

CHAIN_LINKS: tuple[tuple[Alteration, ...], ...] = (
    (partial(alterations.crop, share=0.7), partial(alterations.crop, share=0.4)),
    (alterations.change_aspect, alterations.rotate, alterations.warp_perspective),
    (alterations.mirror,),
    (alterations.greyscale, alterations.jitter_colours),
    (
        partial(alterations.shrink, factor=0.5),
        alterations.blur,
        alterations.add_noise,
        alterations.recompress,
    ),
    (dressing.write_over, dressing.add_caption, dressing.add_border),
)


def chain(image: Image, rng: np.random.Generator, *, length: int) -> Image:
    """As many changes in a row, in random order, each from another group of `CHAIN_LINKS`."""
    for group in rng.permutation(len(CHAIN_LINKS))[:length]:
        choices = CHAIN_LINKS[group]
        image = choices[int(rng.integers(len(choices)))](image, rng)
    return image


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of change: of an image alone (`alter`) or with another original (`compose`).

    The copy is written as JPEG of a quality drawn from `quality` (both ends included).
    """

    name: str
    alter: Alteration | None = None
    compose: Composition | None = None
    quality: tuple[int, int] = (85, 95)

    @property
    def is_composite(self) -> bool:
        """Whether its copies show two originals."""
        return self.compose is not None

    def copy(self, image: Image, rng: np.random.Generator, *, other: Image | None = None) -> bytes:
        """The JPEG file of one copy; `other` is the second original of a composite."""
        if self.compose is not None:
            if other is None:
                raise ValueError(f"family {self.name} needs a second original")
            changed = self.compose(image, other, rng)
        else:
            assert self.alter is not None
            changed = self.alter(image, rng)
        lowest, highest = self.quality
        return encode_jpeg(changed, quality=int(rng.integers(lowest, highest + 1)))


FAMILIES: tuple[Family, ...] = (
    Family(name="jpeg_q30", alter=alterations.unchanged, quality=(30, 30)),
    Family(name="jpeg_q5_8", alter=alterations.unchanged, quality=(5, 8)),
    Family(name="scale_50", alter=partial(alterations.shrink, factor=0.5)),
    Family(name="scale_20", alter=partial(alterations.shrink, factor=0.2)),
    Family(name="crop_70", alter=partial(alterations.crop, share=0.7)),
    Family(name="crop_40", alter=partial(alterations.crop, share=0.4)),
    Family(name="crop_20", alter=partial(alterations.crop, share=0.2)),
    Family(name="crop_10", alter=partial(alterations.crop, share=0.1)),
    Family(name="aspect_0.6_1.6", alter=alterations.change_aspect),
    Family(name="rotation_4_20", alter=alterations.rotate),
    Family(name="rotation_90_180_270", alter=alterations.quarter_turn),
    Family(name="mirror", alter=alterations.mirror),
    Family(name="mirror_crop_50", alter=alterations.mirror_crop),
    Family(name="perspective", alter=alterations.warp_perspective),
    Family(name="greyscale", alter=alterations.greyscale),
    Family(name="negative", alter=alterations.negative),
    Family(name="colour_jitter_0.5_1.6", alter=alterations.jitter_colours),
    Family(name="blur_0.4_0.8", alter=alterations.blur),
    Family(name="noise_22", alter=alterations.add_noise),
    Family(name="pixelation_0.25_0.4", alter=alterations.pixelate),
    Family(name="text_over", alter=dressing.write_over),
    Family(name="emoji_two", alter=dressing.add_two_emoji),
    Family(name="meme_caption", alter=dressing.add_caption),
    Family(name="screenshot", alter=dressing.take_screenshot),
    Family(name="border", alter=dressing.add_border),
    Family(name="chain_3", alter=partial(chain, length=3)),
    Family(name="chain_5", alter=partial(chain, length=5)),
    Family(name="sticker", compose=composites.add_sticker),
    Family(name="pip_50", compose=partial(composites.put_in_picture, share=0.5)),
    Family(name="pip_30", compose=partial(composites.put_in_picture, share=0.3)),
    Family(name="collage_2", compose=composites.make_collage),
)
