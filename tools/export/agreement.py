"""Agreement of a bundle with the network that it was made from: equal answers, equal cells, and both errors."""

import math

import numpy as np
import tensorflow as tf

from dcn_tf.geometry import num_cells
from dcn_tf.losses import decode
from dcn_tf.pyramid import standing_once
from edge.errors import UserError
from edge.network.pyramid_runner import ALL, make_runner
from edge.network.runner import NEVER
from edge.network.whole_runner import make_whole_runner
from tools.export.any_size import reads_any_size
from tools.export.input_size import at_size, prepared
from tools.progress import Progress
from tools.workdir import Samples, Workdir

PIXELS = 1_000_000  # of images that go through the network at once


def measure(network, bundle, test: Samples, num_patches: int | None = None) -> dict:
    """Returns the manifest's `measured`.

    `error` holds percent of test images with any head wrong: `dcn_keras`, `dcn_bundle`, and where the bundle has the
    whole fine model `fine_keras`, `fine_bundle`. `agreement` holds percent of equal predictions for `dcn` and
    `fine`, and `cell_overlap` percent of the network's cells that the bundle selects too.
    """
    runner = make_runner(bundle)
    num_patches = runner.check_num_patches(num_patches)
    expected, expected_cells = keras_predictions(network, test.images, num_patches)
    found, found_cells = _run_whole(network, runner, test.images, num_patches)
    pairs = {"dcn": (expected, found)}
    if "whole_fine" in bundle.manifest.models:
        whole = make_whole_runner(bundle)
        pairs["fine"] = (keras_fine_predictions(network, test.images), _run("fine", test.images, whole.run)[0])
    error, agreement = {}, {}
    for name, (of_keras, of_bundle) in pairs.items():
        error[f"{name}_keras"] = percent((of_keras != test.labels).any(axis=1))
        error[f"{name}_bundle"] = percent((of_bundle != test.labels).any(axis=1))
        agreement[name] = percent((of_keras == of_bundle).all(axis=1))
    return {
        "dataset": test.dataset,
        "split": test.split,
        "images": len(test.images),
        "num_patches": num_patches,
        "error": error,
        "agreement": agreement,
        "cell_overlap": overlap(expected_cells, found_cells),
    }


def with_runner(network, runner, test: Samples, num_patches: int) -> tuple[float, float]:
    """Returns percent of a runner's predictions, and of its cells, that are those of the network."""
    expected, expected_cells = keras_predictions(network, test.images, num_patches)
    found, found_cells = _run_whole(network, runner, test.images, num_patches)
    return percent((expected == found).all(axis=1)), overlap(expected_cells, found_cells)


def _run_whole(network, runner, images, num_patches: int):
    """Returns the categories [N, heads] and the cells of each image, without an exit, selected as the network does."""
    settings = {"num_patches": num_patches, "exit_entropy": NEVER}
    if runner.manifest.levels:  # the network's answer, whatever its probability
        apart = network.architecture.patches_apart
        settings |= {"reading_threshold": 0.0, "vote_lead": ALL, "patches_apart": apart}
    return _run("dcn", images, lambda image: runner.run(image, **settings))


def keras_predictions(network, images, num_patches: int):
    """Returns the categories [N, heads] and the cells [N, k, 2] of the network, for uint8 images.

    Cells of photographs, a list of images, are (level, row, column), [k, 3] each; where there are fewer, all of them,
    and those that are apart.
    """
    heads = network.architecture.top.heads

    def predict(batch, most=num_patches):
        outputs = network(batch, num_patches=most)
        return decode(outputs["logits"], heads), outputs["cells"]

    if not reads_any_size(network.architecture):
        return in_batches(predict, images)
    most = [min(num_patches, num_cells(network.architecture, image.shape[:2])) for image in images]
    categories, cells = one_by_one(predict, images, "keras", most)
    if network.architecture.patches_apart:
        cells = [of_image[standing_once(of_image[None])[0]] for of_image in cells]
    return categories, cells


def keras_fine_predictions(network, images):
    """Returns the categories [N, heads] of the network's fine model over the whole of uint8 images."""
    heads, whole = network.architecture.top.heads, network.whole_model("fine")
    if reads_any_size(network.architecture):
        return one_by_one(lambda image: (decode(whole(image, weighting="votes")["logits"], heads),), images, "keras")[0]
    return in_batches(lambda batch: (decode(whole(batch)["logits"], heads),), images)[0]


def in_batches(function, images):
    """Returns what a function of float images in [0, 1] gives for uint8 images: an array [N, ...] of each output."""
    function = tf.function(function, reduce_retracing=True, autograph=False)
    parts, batch = [], max(1, PIXELS // math.prod(images.shape[1:3]))
    for start in range(0, len(images), batch):
        outputs = function(tf.constant(images[start : start + batch], tf.float32) / 255)
        parts.append([output.numpy() for output in outputs])
    return [np.concatenate(column) for column in zip(*parts)]


def one_by_one(function, images, name: str, *others):
    """Returns what a function gives for uint8 images of any size: [N, ...] of its first output, lists of others.

    Args:
        function: float image in [0, 1], [1, H, W, C], and an integer of each of `others` -> outputs [1, ...].
        images: [H, W, C] each.
        others: lists of an integer for each image.
    """
    function = tf.function(function, reduce_retracing=True, autograph=False)
    progress, found = Progress(name, len(images), "images"), []
    for done, (image, *of_one) in enumerate(zip(images, *others), start=1):
        outputs = function(tf.constant(image[None], tf.float32) / 255, *map(tf.constant, of_one))
        found.append([output[0].numpy() for output in outputs])
        progress.tell(done)
    first, *rest = zip(*found)
    return [np.stack(first), *map(list, rest)]


def _run(name: str, images, run):
    """Returns the categories [N, heads] and the cells of each image, with a progress line every few seconds."""
    progress = Progress(name, len(images), "images")
    categories, cells = [], []
    for done, image in enumerate(images, start=1):
        result = run(image)
        categories.append(result.categories)
        cells.append(result.cells)
        progress.tell(done)
    return np.array(categories), cells


def overlap(expected_cells, found_cells) -> float:
    """Returns percent of the expected cells that were found too: [k, 2] or [k, 3] of every image, twice."""
    pairs = zip(expected_cells, found_cells)
    return percent(np.concatenate([(one[:, None] == other).all(axis=-1).any(axis=1) for one, other in pairs]))


def percent(holds) -> float:
    """Returns the share of true values, in percent."""
    return round(100 * float(np.mean(holds)), 4)


def at_bundles_size(trained: Workdir, bundle) -> Workdir:
    """Returns a training at a bundle's input size, see `tools.export.input_size.at_size`.

    Raises:
        UserError: the bundle was made from another architecture than the workdir's.
    """
    architecture, manifest = trained.model.architecture, bundle.manifest
    of_workdir = (architecture.name, architecture.patch_size, architecture.top.heads)
    of_bundle = (manifest.name, manifest.patch.size, manifest.task.heads)
    if of_workdir != of_bundle:
        raise UserError(
            f"workdir and bundle hold different networks: {of_workdir} and {of_bundle}; name the workdir of the bundle"
        )
    return prepared(trained) if manifest.levels else at_size(trained, manifest.input.size)
