"""Test images with what the network looked at: saliency as heat, patches as boxes, and what it read."""

import base64
import io

import numpy as np
from markupsafe import Markup
from PIL import Image

from edge.sight.overlay import as_heat, strengths
from tools.page.html import joined
from tools.page.readings import Readings

GAP = 4  # pixels between an image and the same with what was looked at


def gallery(network, readings: Readings, indices, name: str) -> Markup:
    """Returns a card for each image: as it is, and below it with saliency and patches; `name` makes ids unique."""
    return Markup('<div class="gallery">\n{}</div>\n').format(
        joined(_card(network, readings, index, f"{name}{index}") for index in indices)
    )


def data_uri(picture: Image.Image) -> Markup:
    """Returns a picture as PNG inside its own address."""
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return Markup("data:image/png;base64,") + base64.b64encode(file.getvalue()).decode()


def _card(network, readings: Readings, index: int, name: str) -> Markup:
    answer, truth, sure = readings.answers[index], readings.truths[index], readings.probability[index]
    right = bool(readings.right[index])
    pixels = readings.samples.images[index]
    height, width = pixels.shape[:2]
    looks = [
        *([] if readings.saliency is None else [_heat(network.coarse.geometry, readings.saliency[index])]),
        *([] if readings.cells is None else [_boxes(network.patch_grid, readings.cells[index])]),
    ]
    seen = Markup('<svg y="{0}" width="{1}" height="{2}" viewBox="0 0 {1} {2}"><use href="#{3}"/>{4}</svg>').format(
        height + GAP, width, height, name, joined(looks)
    )
    return Markup(
        '<figure class="{0}"><svg viewBox="0 0 {1} {2}" role="img" aria-label="Test image {3} of {4}, read as {5}">'
        '<image id="{6}" width="{1}" height="{7}" href="{8}"/>{9}</svg>'
        "<figcaption>reads <b>{5}</b>, {10} %{11}</figcaption></figure>\n"
    ).format(
        *(
            "right" if right else "wrong",
            width,
            2 * height + GAP if looks else height,
            index,
            truth,
            answer,
            name,
            height,
        ),
        *(data_uri(_picture(pixels)), seen if looks else "", _percent(sure)),
        "" if right else Markup("<br>is <b>{}</b>").format(truth),
    )


def _percent(probability: float) -> int:
    """Returns a probability in percent, rounded down: 100 % is certainty."""
    return int(100 * float(probability) + 1e-9)


def _picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _heat(geometry, saliency: np.ndarray) -> Markup:
    """Returns each cell's saliency around the centre of its field; the browser smooths between them."""
    first = [o + (f - s) / 2 for o, f, s in zip(geometry.offset, geometry.field, geometry.stride)]
    height, width = (cells * stride for cells, stride in zip(saliency.shape, geometry.stride))
    return Markup(
        '<image class="heat" x="{1:g}" y="{0:g}" width="{2}" height="{3}" preserveAspectRatio="none" href="{4}"/>'
    ).format(*first, width, height, data_uri(as_heat(strengths(saliency))))


def _boxes(grid, cells: np.ndarray) -> Markup:
    """Returns the patches as boxes, the least salient below and faintest."""
    boxes = []
    for rank, cell in reversed(list(enumerate(cells))):
        top, left = grid.start(cell)
        boxes.append(
            Markup('<rect x="{}" y="{}" width="{}" height="{}" opacity="{:.2f}"/>').format(
                *(left, top, grid.size[1], grid.size[0], 1 - 0.6 * rank / len(cells))
            )
        )
    return joined(boxes)
