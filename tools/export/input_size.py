"""A finished training at another input size: the weights stay, and samples are brought to that size.

The stacks are fully convolutional, so that a cell sees the same in images of every size. What changes is the map: the
cells that there are to choose from, and the windows of a classifier's top.
"""

import dataclasses

import numpy as np
from PIL import Image

from dcn_tf.architecture import Architecture
from dcn_tf.geometry import smallest_image
from dcn_tf.model import DynamicCapacityNetwork
from edge.bundle.manifest import Input
from edge.errors import UserError
from edge.sight.images import model_pixels
from tools.export.any_size import photographs, reads_any_size
from tools.export.describe import ANY_SIZE, input_entry
from tools.workdir import Samples, Workdir

TRAINED = "stretch"  # what the training's reader of images does
OTHER = "pad"  # digits stay as large as they are: a network reads those of the sizes that it was trained on


def at_size(trained: Workdir, size) -> Workdir:
    """Returns a training whose network has another image size, and test images of that size.

    Test images are the photographs that the training kept, where it kept some; see `placed`. Calibration images stay of
    the training's size: `tiled` makes larger ones of them.

    Args:
        size: (height, width).

    Raises:
        UserError: the size is too small for one of the stacks, or for the classifier's top; or the network reads images
            of any size.
    """
    architecture = trained.model.architecture
    if reads_any_size(architecture):
        raise UserError(f"--input_size is for networks of one size, and {architecture.name} reads any; leave it out")
    if tuple(size) == architecture.image_size:
        return trained
    try:
        architecture = dataclasses.replace(architecture, image_size=tuple(size))
    except ValueError as error:
        raise UserError(f"--input_size={','.join(map(str, size))}: {error}; use a larger one") from None
    test = placed(trained.samples("photographs") or trained.test, architecture)
    return dataclasses.replace(trained, model=with_weights(architecture, trained.model), test=test)


def with_weights(architecture: Architecture, trained: DynamicCapacityNetwork) -> DynamicCapacityNetwork:
    """Returns a network with the weights of another that differs in its image size alone."""
    network = DynamicCapacityNetwork(architecture)
    network.build()
    network.set_weights(trained.get_weights())
    return network


def prepared(trained: Workdir) -> Workdir:
    """Returns a training of a network for images of any size as bundles are made of it; others as they are.

    Its image size is the smallest that its stacks have a cell for, and its tests are photographs.
    """
    architecture = trained.model.architecture
    if not reads_any_size(architecture):
        return trained
    architecture = dataclasses.replace(architecture, image_size=smallest_image(architecture))
    return dataclasses.replace(trained, model=with_weights(architecture, trained.model), test=photographs(trained)[1])


def resize_rule(trained: Workdir) -> str:
    """Returns how a bundle brings images of other sizes to its input, see `tools.export.describe.describe`."""
    if reads_any_size(trained.model.architecture):
        return ANY_SIZE
    return TRAINED if trained.sample_shape[:2] == trained.model.architecture.image_size else OTHER


def placed(samples: Samples, architecture: Architecture) -> Samples:
    """Returns samples of the architecture's image size: images of another are laid on it as the device lays them."""
    shape = (*architecture.image_size, architecture.channels)
    if all(image.shape == shape for image in samples.images):
        return samples
    rule = Input.from_content(input_entry(architecture, OTHER))
    mode = "L" if rule.channels == 1 else "RGB"
    images = [Image.frombytes(mode, image.shape[1::-1], image.tobytes()) for image in samples.images]
    images = [model_pixels(image, rule) for image in images]
    return dataclasses.replace(samples, images=np.stack(images))


def tiled(images: np.ndarray, size) -> np.ndarray:
    """Returns images of `size` (height, width), each of as many images side by side as cover it; the rest is cut off.

    [N, h, w, C] -> [M, height, width, C]. All images are used; where the last of them lacks some, the first come again.
    """
    rows, columns = (-(-side // of_one) for side, of_one in zip(size, images.shape[1:3]))
    count = -(-len(images) // (rows * columns))
    grid = images[np.arange(count * rows * columns) % len(images)]
    grid = grid.reshape(count, rows, columns, *images.shape[1:]).transpose(0, 1, 3, 2, 4, 5)
    height, width = size
    return grid.reshape(count, rows * images.shape[1], columns * images.shape[2], -1)[:, :height, :width]
