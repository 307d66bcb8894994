"""Calibration inputs: what every model of a bundle sees of real images. Their values set the ranges of int8."""

import math

import numpy as np

from tools.export.tops import top_of

PIXELS = 2**18  # of images that go through the network at once


def calibration_inputs(network, images, num_patches: int) -> dict[str, np.ndarray]:
    """Returns the inputs of each graph of `tools.export.graphs.graphs`, float32.

    Patches are those that the network itself selects. A classifier's top sees coarse maps and refined ones, as it does
    in the two passes of training.

    Args:
        images: [N, H, W, C] uint8.
    """
    images = images.astype(np.float32) / 255
    seen = {"coarse_features": [], "patches": [], "refined": []}
    batch = max(1, PIXELS // math.prod(images.shape[1:3]))
    for start in range(0, len(images), batch):
        outputs = network(images[start : start + batch], num_patches=num_patches)
        for name, parts in seen.items():
            parts.append(outputs[name].numpy())
    seen = {name: np.concatenate(parts) for name, parts in seen.items()}
    patches = seen["patches"].reshape(-1, *seen["patches"].shape[2:])  # [N * k, p, p, C]
    top = top_of(network.architecture).seen(seen["coarse_features"], seen["refined"])
    images = with_full_range(images)
    return {"coarse": images, "fine": with_full_range(patches), "top": top, "whole_fine": images}


def stratified(labels, count: int) -> np.ndarray:
    """Returns the indices of at most `count` samples, as many of every label as of any other while they last.

    Args:
        labels: [N] integer: the class, or the length of a sequence.
        count: a label that has fewer samples than its share leaves the rest to the others.
    """
    ranks = np.zeros(len(labels), int)  # of a sample among those of its label
    for label in np.unique(labels):
        ranks[labels == label] = np.arange((labels == label).sum())
    return np.lexsort((labels, ranks))[: max(0, count)]


def with_full_range(images) -> np.ndarray:
    """Returns images of which the first holds a 0 and a 1.

    The converter takes the input's scale from the values that it sees. With the whole range of pixels among them it is
    1/255, and a pixel's raw value is the pixel itself less 128: nothing is rounded.
    """
    images = images.copy()
    images[0, 0, 0], images[0, -1, -1] = 0, 1
    return images
