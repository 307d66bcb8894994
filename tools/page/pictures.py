"""Test images with what the network looked at: saliency as heat, patches as boxes, and what it read."""

import base64
import io

import numpy as np
from PIL import Image

from edge.sight.overlay import as_heat, strengths
from tools.page.readings import Readings

GAP = 4  # pixels between an image and the same with what was looked at


def cards(network, readings: Readings, indices, name: str) -> list[dict]:
    """Returns what each image's card shows: it as it is, and with saliency and patches; `name` makes ids unique."""
    return [_card(network, readings, index, f"{name}{index}") for index in indices]


def data_uri(picture: Image.Image) -> str:
    """Returns a picture as PNG inside its own address."""
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _card(network, readings: Readings, index: int, name: str) -> dict:
    answer, truth, pixels = readings.answers[index], readings.truths[index], readings.samples.images[index]
    height, width = pixels.shape[:2]
    heat = readings.saliency is not None and _heat(network.coarse.geometry, readings.saliency[index])
    boxes = [] if readings.boxes is None else _boxes(readings.boxes[index])
    return {
        "id": name,
        "width": width,
        "height": height,
        "below": height + GAP,
        "words": f"Test image {index} of {truth}, read as {answer}",
        "pixels": data_uri(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)),
        "looks": bool(heat or boxes),
        "heat": heat,
        "boxes": boxes,
        "answer": answer,
        "percent": int(100 * float(readings.probability[index]) + 1e-9),  # rounded down: 100 % is certainty
        "truth": None if readings.right[index] else truth,
    }


def _heat(geometry, saliency: np.ndarray) -> dict:
    """Returns each cell's saliency around the centre of its field; the browser smooths between them."""
    y, x = (o + (f - s) / 2 for o, f, s in zip(geometry.offset, geometry.field, geometry.stride))
    height, width = (cells * stride for cells, stride in zip(saliency.shape, geometry.stride))
    picture = data_uri(as_heat(strengths(saliency)))
    place = {"x": f"{x:g}", "y": f"{y:g}", "width": width, "height": height}
    return place | {"preserveAspectRatio": "none", "href": picture}


def _boxes(boxes: np.ndarray) -> list[dict]:
    """Returns the patches as boxes, the least salient below and faintest."""
    drawn = []
    for rank, (left, top, right, bottom) in reversed(list(enumerate(boxes))):
        places = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        drawn.append({name: f"{value:g}" for name, value in places.items()})
        drawn[-1]["opacity"] = f"{1 - 0.6 * rank / len(boxes):.2f}"
    return drawn
