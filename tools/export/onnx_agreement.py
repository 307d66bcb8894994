"""Compares ONNX models, as onnxruntime runs them, with the network that they were made from."""

import math
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from edge.bundle import write_bundle
from tools.export import agreement, bundling
from tools.export.calibration import stratified
from tools.export.clone import Clone
from tools.export.folding import folded_weights
from tools.export.graphs import graphs
from tools.export.onnx_files import OPSET, OnnxModel, onnx_runner
from tools.export.tops import top_of

INPUT_IMAGES = 64  # whose inputs are given to each model
TEST_IMAGES = 200  # that are read from end to end, at most
VALUES = 2**22  # of a model's inputs, at most


def compare(workdir, models: dict[str, bytes], num_patches: int, test) -> dict:
    """Returns the entry `onnx` of a manifest's `measured`.

    `difference` holds for each model how far onnxruntime's outputs lie from TensorFlow's at most, in parts of the
    largest output. `agreement` is the percent of equal predictions of the whole, `cell_overlap` that of equal cells.

    Args:
        test: test samples, of which the first are read.
    """
    print("comparing with onnxruntime", flush=True)
    network, test = workdir.model, test.first(TEST_IMAGES)
    made = bundling.make_bundle(workdir, "float32", num_patches, laid_out=False)
    with tempfile.TemporaryDirectory() as directory:
        runner = onnx_runner(write_bundle(Path(directory) / "bundle", made.files, made.manifest), models)
        equal, overlap = agreement.with_runner(network, runner, test, num_patches)
    return {
        "opset": OPSET,
        "images": len(test.images),
        "agreement": equal,
        "cell_overlap": overlap,
        "difference": differences(workdir, models, num_patches),
    }


def differences(workdir, models: dict[str, bytes], num_patches: int) -> dict[str, float]:
    """Returns the `difference` of `compare`, whose arguments these are, on training images."""
    network = workdir.model
    kept = workdir.calibration
    images = kept.images[stratified(kept.labels[:, 0], INPUT_IMAGES)]
    inputs = bundling.real_inputs(workdir, images, num_patches)
    inputs["top"] = top_of(network.architecture).top_inputs(network.architecture, inputs["top"])
    plain, found = graphs(Clone(network, folded_weights(network), laid_out=False), num_patches), {}
    for name, content in models.items():
        values = inputs[name][: max(1, VALUES // math.prod(inputs[name].shape[1:]))]
        expected = plain[name].function.python_function(tf.constant(values))
        outputs = OnnxModel(content).invoke(values)
        found[name] = max(_furthest(wanted.numpy(), outputs[output]) for output, wanted in expected.items())
    return found


def _furthest(wanted, found) -> float:
    return float(np.abs(found - wanted).max() / max(np.abs(wanted).max(), 1e-30))
