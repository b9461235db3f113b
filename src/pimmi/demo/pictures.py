"""The real pictures that ship inside scikit-image, scikit-learn and matplotlib. None is a copy of another."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from pimmi.demo.raster import Image, decode
from pimmi.errors import PimmiError

ORIGINALS: Mapping[str, str] = {
    "astronaut": "skimage/data/astronaut.png",
    "camera": "skimage/data/camera.png",
    "cat": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "coins": "skimage/data/coins.png",
    "tissue": "skimage/data/ihc.png",
    "snake": "skimage/data/logo.png",
    "moon": "skimage/data/moon.png",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "page": "skimage/data/page.png",
    "rocket": "skimage/data/rocket.jpg",
    "handwriting": "skimage/data/text.png",
    "temple": "sklearn/datasets/images/china.jpg",
    "flower": "sklearn/datasets/images/flower.jpg",
    "portrait": "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
    "logo": "matplotlib/mpl-data/sample_data/logo2.png",
}
"""Name of each picture that copies are made of, and its file inside its package."""

OTHERS: Mapping[str, str] = {
    "brick": "skimage/data/brick.png",
    "cell": "skimage/data/cell.png",
    "colours": "skimage/data/color.png",
    "horse": "skimage/data/horse.png",
    "phantom": "skimage/data/phantom.png",
    "grass": "skimage/data/grass.png",
    "gravel": "skimage/data/gravel.png",
    "galaxies": "skimage/data/hubble_deep_field.jpg",
    "retina": "skimage/data/retina.jpg",
}
"""Name of each picture that no copy is made of, and its file inside its package."""


def load_picture(name: str) -> Image:
    """One of `ORIGINALS` or `OTHERS` as RGB uint8 of shape (height, width, 3).

    Raises:
        PimmiError: if the package that holds it is not installed, or doesn't hold it.
    """
    package, _, rest = {**ORIGINALS, **OTHERS}[name].partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PimmiError(
            f'The demo needs the pictures of {package}: install them with pip install "pimmi[demo]".'
        )
    path = Path(spec.origin).parent / rest
    if not path.is_file():
        raise PimmiError(
            f"The installed {package} lacks the picture {rest}: "
            'update it with pip install --upgrade "pimmi[demo]".'
        )
    return decode(path.read_bytes())
