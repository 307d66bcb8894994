"""Tiny networks with random weights, finished workdirs that hold them, and bundles made from those."""

import dataclasses
import json

import numpy as np

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv, IntegrateAndFire, MaxPool, SequenceTopSpec
from dcn_tf.model import DynamicCapacityNetwork
from edge.bundle import write_bundle
from edge.network.patches import Layout
from tools.export import bundling
from tools.export.clone import Clone
from tools.export.folding import folded_weights
from tools.export.graphs import layouts
from tools.export.input_size import prepared
from tools.workdir import load_workdir

NUM_IMAGES = 48


def classifier_architecture(statistics="separate", padding="valid"):
    """28 x 28 grey pixels, 5 x 5 cells, patches of 10 x 10 that reach beyond the image where padding is 'same'."""
    return Architecture(
        name="tiny_classifier",
        image_size=(28, 28),
        channels=1,
        coarse=(Conv(4, 5, strides=2), Conv(8, 3, strides=2, padding=padding)),
        fine=(Conv(8, 3), MaxPool(2), Conv(8, 3)),  # a patch gives a 2 x 2 map, which is averaged
        top=ClassifierTopSpec(Conv(16, 3, strides=2, padding=padding), 5, statistics),
        patch_size=(10, 10),
        num_patches=3,
    )


def sequence_architecture():
    """24 x 48 colour pixels, 2 x 4 cells, numbers of up to three digits."""
    return Architecture(
        name="tiny_sequence",
        image_size=(24, 48),
        channels=3,
        coarse=(Conv(4, 5, strides=4), Conv(8, (3, 5), strides=2)),
        fine=(Conv(8, 3), MaxPool(4), Conv(12, 3)),
        top=SequenceTopSpec(3, 10),
        patch_size=(16, 16),
        num_patches=3,
    )


def pyramid_architecture(box=True):
    """Numbers of up to three digits, or none, in grey pictures of any size: three levels, patches of 16 x 24."""
    return Architecture(
        name="tiny_pyramid",
        image_size=(24, 48),
        train_size=(16, 24),
        channels=1,
        coarse=(Conv(4, 5, strides=2), Conv(8, 3, strides=2), Conv(12, (2, 4))),
        fine=(
            Conv(8, 5, strides=2, padding=2),
            MaxPool(2),
            Conv(8, 3, padding="same"),
            Conv(16, (4, 6), strides=(1, 2)),
        ),
        top=SequenceTopSpec(3, 10, "presence", "votes", min_length=0, box=box),
        patch_size=(16, 24),
        num_patches=4,
        levels=(1.41, 1.0, 0.5),
    )


def counting_architecture():
    """The same numbers and pictures, read along a row of six places."""
    architecture = pyramid_architecture()
    row = (Conv(8, (4, 1)), Conv(5, 1, batch_normalization=False, activation=None), IntegrateAndFire(3, 4, 6, 2))
    return dataclasses.replace(architecture, name="tiny_counting", fine=(*architecture.fine[:3], *row))


def make_network(architecture, seed=0):
    """Returns a network whose weights, gammas and moving statistics are all random: folding is really tested."""
    network = DynamicCapacityNetwork(architecture)
    network.build()
    rng = np.random.default_rng(seed)
    for weight in network.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.4, 1.6, weight.shape))
        elif weight.name in ("beta", "bias", "moving_mean"):
            weight.assign(rng.normal(0, 0.3, weight.shape))
        else:
            weight.assign(rng.normal(0, 1 / np.sqrt(np.prod(weight.shape[:-1])), weight.shape))
    return network


def make_images(architecture, count=NUM_IMAGES, seed=1):
    """Returns blocky random images, uint8."""
    rng = np.random.default_rng(seed)
    height, width = architecture.image_size
    blocks = rng.integers(0, 256, (count, height // 4, width // 4, architecture.channels), np.uint8)
    return blocks.repeat(4, axis=1).repeat(4, axis=2)


def as_taken(architecture, model, images, zero=0):
    """Returns images or patches [N, H, W, C] as the named model of a bundle takes them; `zero` stands beyond them."""
    layout = layouts(architecture)[model]
    return Layout(layout, images.shape[1:], images.dtype, zero, len(images)).of(images)


def laid_out_clone(network, ranges=None):
    """Returns the clone that a bundle's models are made from."""
    return Clone(network, folded_weights(network), ranges, laid_out=True)


def write_workdir(directory, network):
    """Writes what a finished training leaves behind."""
    architecture = network.architecture
    images = make_images(architecture)
    rng = np.random.default_rng(2)
    labels = np.stack([rng.integers(0, n, len(images)) for n in architecture.top.heads], axis=1).astype(np.int32)
    count = architecture.top.symbols if architecture.task == "sequence" else architecture.top.classes
    (directory / "samples").mkdir(parents=True)
    for split in ("calibration", "test"):
        facts = {"label_names": np.array([str(i) for i in range(count)]), "dataset": "tiny", "split": split}
        np.savez(directory / "samples" / f"{split}.npz", images=images, labels=labels, **facts)
    network.save(directory / "model.keras")
    result = {"dataset": "tiny", "seed": 0, "steps": 1, "config": {"workdir": "/somewhere", "model": "dcn"}}
    (directory / "result.json").write_text(json.dumps(result))
    (directory / "flags.txt").write_text("--dataset=tiny\n")
    return directory


def make_bundle(directory, workdir, method, **options):
    """Writes the bundle of a workdir, without measured errors; `options` are those of `bundling.make_bundle`."""
    trained = prepared(load_workdir(workdir))
    made = bundling.make_bundle(trained, method, trained.model.architecture.num_patches, **options)
    return write_bundle(directory, made.files, made.manifest)
