"""The JSON object that is told of an image that was read."""

from edge.bundle.manifest import Manifest
from edge.network.result import Result
from edge.sight.images import read_size


def box_in_image(box, size, manifest: Manifest) -> list[int] | None:
    """Returns [left, top, right, bottom] in whole pixels of the user's image, cut off at its border.

    Args:
        box: in pixels of the image as it is read; None where there is none.
        size: (width, height) of the user's image.
    """
    if box is None:
        return None
    height, width = read_size(size[::-1], manifest.input)
    factors = (size[0] / width, size[1] / height) * 2
    return [min(max(round(side * factor), 0), most) for side, factor, most in zip(box, factors, size * 2)]


def fields_of(name, result: Result, size, manifest: Manifest) -> dict:
    """Returns the object: path, prediction, probability, num_patches, milliseconds, and with levels the box."""
    fields = {
        "path": str(name),
        "prediction": result.prediction,
        "probability": round(result.probability, 6),
        "num_patches": result.num_patches,
        "milliseconds": round(result.milliseconds, 3),
    }
    if manifest.levels:
        fields["box"] = box_in_image(result.box, size, manifest)
    return fields
