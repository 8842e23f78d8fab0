"""What mails look like, as pictures that are kept: a change of the design shows, other fonts of a machine do not.

Renew them with `.venv/bin/python -m tests.rendering.looks`, and look at them before you keep them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageStat

from newsletter.rendering import Renderer
from tests.browser import chromium
from tests.rendering.editions import DATA
from tests.rendering.mails import every

FOLDER = DATA / "looks"
_COLOURS = 24  # of a picture that is kept: it is to be small
_TALLEST = 1400
_COARSE = 12  # pixels of a mail that become one: letters of another font blur, blocks and colours stay
_HEIGHT = 0.04  # by which share a mail may be longer or shorter: other fonts break lines elsewhere
_MEAN = 5.0  # of 255: how far two mails may differ on the whole
_WORST = 0.02  # of all places: how many may differ much
_MUCH = 48


@dataclass(frozen=True)
class Look:
    """A mail on a screen."""

    mail: str
    width: int
    scheme: str

    @property
    def file(self) -> Path:
        """Where its picture is kept."""
        return FOLDER / f"{self.mail}-{self.width}-{self.scheme}.png"


LOOKS = (
    Look("daily", 640, "light"),
    Look("daily", 640, "dark"),
    Look("daily", 375, "light"),
    Look("daily", 375, "dark"),
    Look("weekly", 640, "light"),
    Look("quiet", 375, "light"),
    Look("welcome", 375, "light"),
    Look("welcome", 375, "dark"),
)


def kept(look: Look) -> Image.Image:
    """Give the picture that is kept."""
    with Image.open(look.file) as picture:
        return picture.convert("RGB")


def taken(browser: Any, look: Look, html: str) -> Image.Image:
    """Take the picture of a mail."""
    page = browser.new_page(viewport={"width": look.width, "height": 400}, color_scheme=look.scheme)
    page.route("**/*", lambda route: route.abort())
    page.set_content(html)
    data = page.screenshot(full_page=True)
    page.close()
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    return picture.crop((0, 0, picture.width, min(picture.height, _TALLEST)))


def difference(one: Image.Image, other: Image.Image) -> str:
    """Say how two pictures differ; '' where they are the same but for the fonts of a machine."""
    tallest = max(one.height, other.height)
    if one.width != other.width or abs(one.height - other.height) > _HEIGHT * tallest:
        return f"{one.size} is not {other.size}"
    size = one.width // _COARSE, tallest // _COARSE
    apart = ImageChops.difference(*(each.convert("RGB").resize(size, Image.Resampling.BOX) for each in (one, other)))
    mean = sum(ImageStat.Stat(apart).mean) / 3
    far = sum(apart.convert("L").histogram()[_MUCH:]) / (size[0] * size[1])
    return f"mean {mean:.1f}, {far:.1%} of it far apart" if mean > _MEAN or far > _WORST else ""


def renew() -> None:
    """Take all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    mails = every(Renderer())
    with chromium() as browser:
        for look in LOOKS:
            picture = taken(browser, look, mails[look.mail].html)
            picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(look.file, optimize=True)


if __name__ == "__main__":
    renew()
