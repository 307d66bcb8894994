"""Outputs of TensorFlow that the tests of edge compare with, so that they run where there is none.

PYTHONPATH=tests/support python -m edge_cases DIR     replaces DIR

For each tiny network: bundles in `DIR/NAME/METHOD`, and what the network itself says in `DIR/NAME/references.npz`; so
too, image by image, for one that reads images of any size in `DIR/pyramid`. Damaged models in `DIR/broken`.
"""

import dataclasses
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import tiny_bundles
from tensorflow.lite.tools import flatbuffer_utils

from dcn_tf.geometry import num_cells
from dcn_tf.losses import decode
from edge.bundle import load_bundle

SHIPPED = Path(__file__).parents[2] / "models" / "cluttered_mnist"
ARCHITECTURES = {
    "classifier": tiny_bundles.classifier_architecture(padding="same"),
    "sequence": tiny_bundles.sequence_architecture(),
}
METHODS = ("float32", "ptq")
SIZES = ((60, 80), (10, 12), (33, 100), (120, 41), (16, 24))  # (height, width); the second smaller than a patch
NUM_PATCHES = (1, 3, 8)
# Operators that no runtime has, by the name of the file that asks for one.
BROKEN_OPERATORS = {"version": {"version": 999}, "custom": {"builtinCode": 32, "customCode": b"MyOperator"}}


def references(network) -> dict[str, np.ndarray]:
    """Returns images and the network's outputs for them; those for k patches are named 'k/NAME'."""
    architecture = network.architecture
    heads = architecture.top.heads
    images = tiny_bundles.make_images(architecture, seed=7)
    pixels = images.astype(np.float32) / 255
    found = {"images": images, "fine_logits": network.whole_model("fine")(pixels)["logits"].numpy()}
    for num_patches in NUM_PATCHES:
        outputs = dict(network(pixels, num_patches=num_patches))
        outputs["categories"] = decode(outputs["logits"], heads)
        outputs["patch_starts"] = [[network.patch_grid.start(cell) for cell in cells] for cells in outputs["cells"]]
        found |= {f"{num_patches}/{name}": np.asarray(value) for name, value in outputs.items()}
    logits = np.random.default_rng(0).normal(0, 2, (50, sum(heads))).astype(np.float32)
    return found | {"random_logits": logits, "random_categories": np.asarray(decode(logits, heads))}


def write_case(directory: Path, architecture) -> None:
    """Writes the bundles and references of one network with random weights."""
    network = tiny_bundles.make_network(architecture)
    with tempfile.TemporaryDirectory() as workdir:
        tiny_bundles.write_workdir(Path(workdir), network)
        for method in METHODS:
            tiny_bundles.make_bundle(directory / method, Path(workdir), method)
    np.savez(directory / "references.npz", **references(network))


def pyramid_network():
    """Returns a network with random weights that reads something in most images, but not in all."""
    network = tiny_bundles.make_network(tiny_bundles.pyramid_architecture())
    for top in (network.coarse_top, network.fine_top):
        top.dense.kernel.assign(top.dense.kernel * 2)
        top.dense.bias.assign(top.dense.bias - 1.5 * np.eye(1, top.dense.bias.shape[0])[0])
    return network


def pyramid_references(network) -> dict[str, np.ndarray]:
    """Returns images of `SIZES`, 'i/image', and the network's outputs for each of them, 'i/NAME'."""
    architecture, found = network.architecture, {}
    whole = network.whole_model("fine")
    for i, (height, width) in enumerate(SIZES):
        wide = dataclasses.replace(architecture, image_size=(height // 4 * 4 + 4, width // 4 * 4 + 4))
        image = tiny_bundles.make_images(wide, 1, seed=i)[0, :height, :width]
        pixels = image[None].astype(np.float32) / 255
        most = min(architecture.num_patches, num_cells(architecture, (height, width)))
        outputs = network.all_stages(pixels, num_patches=most)
        levels = outputs.pop("levels")
        outputs["categories"] = decode(outputs["logits"], architecture.top.heads)
        outputs["fine_logits"] = whole(pixels, weighting="votes")["logits"]
        outputs["fine_cell_logits"] = network.fine_top.cell_logits(outputs["fine_features"])
        found[f"{i}/image"] = image
        found |= {f"{i}/{name}": np.asarray(value)[0] for name, value in outputs.items() if name != "map_sizes"}
        found |= {f"{i}/level/{n}": np.asarray(level.images)[0] for n, level in enumerate(levels)}
    return found


def write_pyramid(directory: Path) -> None:
    """Writes the bundles and references of a network that reads images of any size."""
    network = pyramid_network()
    with tempfile.TemporaryDirectory() as workdir:
        tiny_bundles.write_workdir(Path(workdir), network)
        for method in METHODS:
            tiny_bundles.make_bundle(directory / method, Path(workdir), method)
    np.savez(directory / "references.npz", **pyramid_references(network))


def write_broken(directory: Path) -> None:
    """Writes models of which an operator is one that no runtime has."""
    directory.mkdir(parents=True)
    content = load_bundle(SHIPPED).model("coarse")
    for name, change in BROKEN_OPERATORS.items():
        model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
        for field, value in change.items():
            used = model.subgraphs[0].operators[0].opcodeIndex
            setattr(model.operatorCodes[used], field, value)
        (directory / f"{name}.tflite").write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def write_cases(directory: Path) -> None:
    """Writes everything; a folder that is there is replaced as a whole, once all is made."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as temporary:
        made = Path(temporary) / "made"
        for name, architecture in ARCHITECTURES.items():
            write_case(made / name, architecture)
        write_pyramid(made / "pyramid")
        write_broken(made / "broken")
        shutil.rmtree(directory, ignore_errors=True)
        made.rename(directory)


if __name__ == "__main__":
    write_cases(Path(sys.argv[1]))
