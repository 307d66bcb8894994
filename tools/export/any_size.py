"""Networks for images of any size: their photographs, and what their models see of them."""

import numpy as np
import tensorflow as tf

from dcn_tf.architecture import Architecture
from dcn_tf.geometry import num_cells
from edge.errors import UserError
from tools.export.calibration import with_full_range
from tools.progress import Progress

PHOTOGRAPHS = 64  # that set ranges, at most; a quarter of them all
TILES = 8  # of a level of a photograph


def reads_any_size(architecture: Architecture) -> bool:
    """Returns whether its bundle reads images of any size; UserError where it pools otherwise than the device."""
    top = architecture.top
    if not (architecture.has_pyramid or top.may_be_empty):
        return False
    pooling = top.coarse_weighting, top.refined_weighting
    if pooling != ("presence", "votes"):
        raise UserError(
            f"a bundle for images of any size pools by presence and by votes, received {' and '.join(pooling)}; "
            "train such a network"
        )
    return True


def photographs(workdir):
    """Returns the photographs that a workdir keeps, in two parts: to set ranges, and to measure on.

    Where it keeps none, or a single one, its tests are all that there is, and both parts are they.
    """
    kept = workdir.samples("photographs") or workdir.test
    count = min(PHOTOGRAPHS, len(kept.images) // 4)
    return (kept.part(-count, None), kept.part(0, -count)) if count else (kept, kept)


def calibration_inputs(network, windows, samples, num_patches: int) -> dict[str, np.ndarray]:
    """Returns the inputs of each graph of `tools.export.graphs.graphs`, float32: of windows, and of photographs.

    Patches are those that the network itself selects, and the windows. The other models see tiles of every level.

    Args:
        network: whose image size is the smallest of a level.
        windows: [N, H, W, C] uint8, of the training.
    """
    architecture, rng = network.architecture, np.random.default_rng(0)
    patches = [centred(windows, architecture.patch_size)]
    tiles = [centred(windows, architecture.image_size)]
    progress = Progress("calibration", len(samples.images), "photographs")

    @tf.function(reduce_retracing=True, autograph=False)
    def read(image, most):
        outputs = network.all_stages(image, num_patches=most)
        return outputs["patches"][0], [level.images[0] for level in outputs["levels"]]

    for done, image in enumerate(samples.images, start=1):
        most = min(num_patches, num_cells(architecture, image.shape[:2]))
        of_image, levels = read(tf.constant(image[None], tf.float32) / 255, tf.constant(most))
        patches.append(of_image.numpy())
        tiles += [_tiles(level.numpy(), architecture.image_size, rng) for level in levels]
        progress.tell(done)
    # A resized pixel may lie a rounding beyond 1, and both inputs must have the scale 1/255 to the last bit.
    patches, tiles = (with_full_range(np.concatenate(parts).clip(0, 1)) for parts in (patches, tiles))
    vectors = [network.fine(patches[None, start : start + 64])[0] for start in range(0, len(patches), 64)]
    return {"coarse": tiles, "fine": patches, "top": np.concatenate(vectors), "whole_fine": tiles}


def _tiles(pixels, size, rng):
    """Returns parts of an image at random places: [H, W, C] -> [n, *size, C]."""
    most = [side - of_one + 1 for side, of_one in zip(pixels.shape, size)]
    count = min(TILES, most[0] * most[1])
    places = zip(*(rng.integers(0, n, count) for n in most))
    return np.stack([pixels[row : row + size[0], column : column + size[1]] for row, column in places])


def centred(images, size) -> np.ndarray:
    """Returns the middle of images at a size, with their border repeated where they are smaller.

    [N, H, W, C] uint8 -> [N, *size, C] float32 in [0, 1].
    """
    for axis, side in enumerate(size, 1):
        first = (images.shape[axis] - side) // 2
        images = np.take(images, np.clip(np.arange(first, first + side), 0, images.shape[axis] - 1), axis=axis)
    return images.astype(np.float32) / 255
