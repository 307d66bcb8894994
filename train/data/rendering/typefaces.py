"""The type faces that numbers are set in, as packages of open-licence families bring them, and their glyphs.

Each family is a package `fontpkg_NAME` with its font files and licence: OFL-1.1, and Apache-2.0 for Permanent Marker,
Roboto Slab, Satisfy and Yellowtail. Splits hold different families, so that a test number is set in a face that was
never trained on.
"""

import functools
import importlib.metadata
from dataclasses import dataclass
from importlib import resources

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from train.errors import UserError

FAMILIES = {
    "train": (
        *("abril_fatface", "alfa_slab_one", "antic_slab", "anton", "archivo", "archivo_narrow", "arimo", "arvo"),
        *("asap", "barlow", "barlow_condensed", "bebas_neue", "bitter", "bodoni_moda", "bungee", "cabin", "cardo"),
        *("caveat", "changa_one", "chivo", "cinzel", "comfortaa", "dancing_script", "dm_serif_display", "domine"),
        *("dosis", "eb_garamond", "fira_sans", "fjalla_one", "fredoka", "gravitas_one", "hammersmith_one", "hind"),
        *("ibm_plex_sans", "inter", "josefin_sans", "jost", "karla", "lato", "libre_franklin", "lobster", "lora"),
        *("marcellus", "merriweather", "montserrat", "newsreader", "noto_serif", "nunito", "oswald", "overpass"),
        *("pacifico", "permanent_marker", "playfair_display", "pt_sans", "pt_serif", "public_sans", "roboto_slab"),
        *("rubik", "satisfy", "share_tech", "signika", "source_sans_3", "source_serif_4", "spectral", "teko"),
        *("titillium_web", "viga", "work_sans", "yellowtail"),
    ),
    "validation": ("crimson_text", "league_spartan", "oleo_script", "roboto_condensed"),
    "test": ("libre_baskerville", "open_sans", "russo_one", "sanchez", "varela_round", "yanone_kaffeesatz"),
}
HANDWRITTEN = (
    "caveat",
    "dancing_script",
    "lobster",
    "oleo_script",
    "pacifico",
    "permanent_marker",
    "satisfy",
    "yellowtail",
)
RARITY = 3  # how much rarer on houses a handwritten family is than another
CAPITAL = 64  # height in pixels of the digits that glyphs are drawn with, once; what is shown is scaled from that
FAINT = ("Thin", "ExtraLight")  # strokes that vanish at the size of a house number
WEIGHTS = (0.3, 0.55, 0.8, 1.0)  # of a variable face, between its lightest and its boldest


@dataclass(frozen=True)
class TypeFace:
    """A font file, and the share of its way from light to bold where it has one."""

    file: str
    weight: float | None = None


@dataclass(frozen=True)
class Glyph:
    """A character: its mask, cropped to the ink, and where that lies on the line, in pixels of digits `CAPITAL` high.

    Attributes:
        mask: uint8 [h, w], 255 inside the strokes.
        left: from the pen to the mask's left border.
        top: from the top of the digits down to the mask's top border.
        advance: from this pen position to the next.
    """

    mask: np.ndarray
    left: int
    top: int
    advance: float


@functools.cache
def type_faces(split: str) -> tuple[tuple[tuple[TypeFace, ...], ...], ...]:
    """Returns each family's upright faces, and its italic ones if any; UserError where its package is not installed."""
    return tuple(_faces(family) for family in FAMILIES[split])


def draw_type_face(rng, split: str, italic: float = 0.1) -> TypeFace:
    """Returns a random face of a random family of the split; `italic` is the share of slanted ones."""
    families = _families_by_frequency(split)
    styles = families[rng.integers(len(families))]
    faces = styles[-1 if rng.random() < italic else 0]
    return faces[rng.integers(len(faces))]


def draw_plain_face(rng, split: str) -> TypeFace:
    """Returns a random upright face of a family that is not handwritten."""
    families = [styles for family, styles in zip(FAMILIES[split], type_faces(split)) if family not in HANDWRITTEN]
    faces = families[rng.integers(len(families))][0]
    return faces[rng.integers(len(faces))]


@functools.cache
def _families_by_frequency(split: str):
    """Returns `type_faces`, each as often as it is drawn."""
    counts = [1 if family in HANDWRITTEN else RARITY for family in FAMILIES[split]]
    return tuple(styles for styles, count in zip(type_faces(split), counts) for _ in range(count))


def packages() -> dict[str, str]:
    """Returns the version of every package that pictures depend on; UserError if one is not installed."""
    names = ["numpy", "opencv-python-headless", "pillow"]
    names += [_package(family) for families in FAMILIES.values() for family in families]
    try:
        return {name: importlib.metadata.version(name) for name in names}
    except importlib.metadata.PackageNotFoundError as error:
        raise _missing(error.name) from None


@functools.cache
def glyph(face: TypeFace, character: str) -> Glyph:
    """Returns one character of a face."""
    font, line_top = _font(face)
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    mask = Image.new("L", (max(right - left, 1), max(bottom - top, 1)))
    ImageDraw.Draw(mask).text((-left, -top), character, fill=255, font=font, anchor="ls")
    ink = mask.getbbox() or (0, 0, *mask.size)
    return Glyph(np.asarray(mask.crop(ink)), left + ink[0], top + ink[1] - line_top, font.getlength(character))


def _package(family: str) -> str:
    return f"fontpkg-{family.replace('_', '-')}"


def _missing(package: str) -> UserError:
    return UserError(f"the package {package} is missing, which numbers are drawn with; pip install 'dcn-tf[train]'")


def _faces(family: str) -> tuple[tuple[TypeFace, ...], ...]:
    try:
        folder = resources.files(f"fontpkg_{family}") / "files"
    except ModuleNotFoundError:
        raise _missing(_package(family)) from None
    files = sorted(str(file) for file in folder.iterdir() if file.name.endswith(".ttf"))
    files = [file for file in files if not any(word in file for word in FAINT)]
    italic = tuple(face for file in files if "Italic" in file for face in _weights(file))
    upright = tuple(face for file in files if "Italic" not in file for face in _weights(file))
    return (upright, italic) if italic else (upright,)


def _weights(file: str) -> list[TypeFace]:
    return [TypeFace(file, weight) for weight in WEIGHTS] if "wght" in file else [TypeFace(file)]


@functools.cache
def _font(face: TypeFace) -> tuple[ImageFont.FreeTypeFont, int]:
    """Returns the face at the size at which its digits are `CAPITAL` pixels high, and where they begin on the line."""
    size = CAPITAL
    for _ in range(2):  # the first only measures
        font = ImageFont.truetype(face.file, size, layout_engine=ImageFont.Layout.BASIC)
        if face.weight is not None:
            font.set_variation_by_axes([_axis(axis, face.weight) for axis in font.get_variation_axes()])
        _, top, _, bottom = font.getbbox("0123456789", anchor="ls")
        size = max(1, round(size * CAPITAL / (bottom - top)))
    return font, top


def _axis(axis: dict, weight: float) -> float:
    if b"Weight" not in axis["name"]:
        return axis["default"]
    return axis["minimum"] + weight * (axis["maximum"] - axis["minimum"])
