"""Makes the files and the manifest of a bundle from a finished training."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from dcn_tf.architecture import KerasLayer
from edge.bundle import model_file_name
from edge.bundle.content import MOST_PATCHES
from edge.errors import UserError
from edge.network.patches import Layout
from tools.export import any_size
from tools.export.any_size import reads_any_size
from tools.export.calibration import calibration_inputs, stratified
from tools.export.clone import Clone
from tools.export.convert import convert, model_entry
from tools.export.describe import describe, reading_threshold, training, versions
from tools.export.folding import folded_weights
from tools.export.graphs import graphs, layouts, saliency_file
from tools.export.input_size import resize_rule, tiled
from tools.export.layer_error import layer_errors
from tools.export.qat import Tuning, layer_ranges, measured_ranges, tune
from tools.export.tops import top_of
from tools.workdir import Workdir

FEWEST_CALIBRATION_IMAGES = 16
ENOUGH_CALIBRATION_IMAGES = 256
LAYER_ERROR_INPUTS, LAYER_ERROR_VALUES = 64, 2**20


@dataclass(frozen=True)
class Made:
    """The parts of a bundle.

    Attributes:
        files: name -> bytes.
        manifest: without what is measured.
        inputs: model name -> real inputs, [N, ...] float32; empty where nothing is int8.
    """

    files: dict
    manifest: dict
    inputs: dict


def make_bundle(
    workdir: Workdir,
    method: str,
    num_patches: int,
    calibration_images: int = 512,
    tuning: Tuning | None = None,
    laid_out: bool = True,
) -> Made:
    """Returns the parts of a bundle.

    Args:
        workdir: a finished training.
        method: 'float32', 'float16', 'ptq' or 'qat', see `tools.quantize`. 'qat' tunes the stages of the DCN; its whole
            fine model has the tuned weights and is quantized as by 'ptq'.
        num_patches: the bundle's number of patches.
        calibration_images: at most so many real images set the ranges of int8.
        tuning: of 'qat'; its defaults where None.
        laid_out: whether first convolutions take pixels that are laid out for them, see `tools.export.relayout`.

    Raises:
        UserError: too few calibration images, or a network that cannot be converted.
    """
    network = workdir.model
    size = network.architecture.image_size
    if method == "qat" and reads_any_size(network.architecture):
        raise UserError(f"a bundle for images of any size is not tuned, received --method={method}; use ptq")
    _check_own_layers(network.architecture)
    manifest = describe(network, workdir.calibration.label_names, num_patches, resize_rule(workdir))
    weights, ranges, inputs, facts = folded_weights(network), None, {}, {}
    precision = method
    if method in ("ptq", "qat"):
        precision = "int8"
        images = _calibration_images(workdir, calibration_images)
        inputs = real_inputs(workdir, images, num_patches)
        ranges = measured_ranges(Clone(network, weights), inputs)
        facts = {"calibration_images": len(images)}
    if method == "qat":
        tuning = tuning or Tuning()
        clone = Clone(network, weights, ranges)
        losses = tune(network, clone, tiled(workdir.calibration.images, size), num_patches, tuning)
        weights = clone.weights()
        ranges |= layer_ranges([(Clone(network, weights).whole_fine, inputs["whole_fine"])])
        facts |= {"tuning": asdict(tuning), "tuning_images": len(workdir.calibration.images), "losses": losses}
    files, models = saliency_file(network.architecture, weights), {}
    layout = layouts(network.architecture, laid_out)
    for name, graph in graphs(Clone(network, weights, ranges, laid_out), num_patches).items():
        print(f"converting {name} ({method})", flush=True)
        content = convert(graph, precision)
        files[model_file_name(name)] = content
        models[name] = model_entry(content) | {"layout": layout.get(name)}
    if manifest["levels"]:
        manifest["reading_threshold"] = reading_threshold(workdir.result)
    made = {"method": method, "models": models, "measured": None, "versions": versions()}
    manifest |= made | {"training": training(workdir.result) | {"quantization": facts}}
    return Made(files, manifest, inputs)


def _check_own_layers(architecture):
    for stack in ("coarse", "fine"):
        for number, layer in enumerate(getattr(architecture, stack)):
            if isinstance(layer, KerasLayer):
                raise UserError(
                    f"layer {number} of the {stack} stack is a Keras layer, {layer.layer}, whose weights no bundle can "
                    "hold; use one of the other kinds, or export the Keras model itself: model.export(PATH)"
                )


def real_inputs(workdir, images, num_patches) -> dict:
    """Returns what each model sees of some training images, see `tools.export.calibration.calibration_inputs`."""
    network = workdir.model
    if reads_any_size(network.architecture):
        return any_size.calibration_inputs(network, images, any_size.photographs(workdir)[0], num_patches)
    canvases = tiled(images, network.architecture.image_size)
    patches = min(network.num_cells(), num_patches * len(images) // len(canvases))  # as many as of single images
    return calibration_inputs(network, canvases, patches)


def _calibration_images(workdir, wanted):
    samples = workdir.calibration
    images = samples.images[stratified(samples.labels[:, 0], wanted)]
    count = len(images)
    if count < FEWEST_CALIBRATION_IMAGES:
        raise UserError(
            f"at least {FEWEST_CALIBRATION_IMAGES} calibration images are needed, received {count} "
            f"(--calibration_images={wanted}; the workdir holds {len(samples.images)}); use more"
        )
    if count < ENOUGH_CALIBRATION_IMAGES:
        print(f"note: {count} calibration images are few; {ENOUGH_CALIBRATION_IMAGES} or more are better")
    return images


def against_float(network, made: Made) -> dict:
    """Returns the part of `measured` that compares the models with the same in float32.

    `float32_bytes`: file -> bytes in float32. `layers`: see `tools.export.layer_error.layer_errors`; empty where
    nothing is int8.
    """
    entries = made.manifest["models"]
    laid_out = any(entry["layout"] for entry in entries.values())
    clone = Clone(network, folded_weights(network), laid_out=laid_out)
    float_graphs = graphs(clone, made.manifest["num_patches"])
    float_models = {name: convert(graph) for name, graph in float_graphs.items()}
    sizes = {model_file_name(name): len(content) for name, content in float_models.items()}
    layers = []
    if made.inputs:
        inputs = _few(made.inputs)
        inputs["top"] = top_of(network.architecture).top_inputs(network.architecture, inputs["top"])
        for name in ("coarse", "fine", "whole_fine"):
            count, *shape = inputs[name].shape
            inputs[name] = Layout(entries[name]["layout"], shape, np.float32, 0, count).of(inputs[name])
        models = {name: made.files[model_file_name(name)] for name in float_models}
        layers = layer_errors(network.architecture, float_models, models, inputs)
    return {"float32_bytes": sizes, "layers": layers}


def _few(inputs):
    """Returns about `LAYER_ERROR_INPUTS` of each model's inputs, fewer of large ones, from all over them."""
    few = {}
    for name, values in inputs.items():
        wanted = min(LAYER_ERROR_INPUTS, max(1, LAYER_ERROR_VALUES // math.prod(values.shape[1:])))
        few[name] = values[:: max(1, len(values) // wanted)]
    return few


def check_num_patches(network, num_patches: int | None) -> int:
    """Returns k, the network's own where None; UserError where it is not 1 to the number of cells."""
    num_patches = network.architecture.num_patches if num_patches is None else num_patches
    most, of_what = network.num_cells(), "the number of cells, "
    if reads_any_size(network.architecture):
        most, of_what = MOST_PATCHES, ""
    if not 1 <= num_patches <= most:
        raise UserError(
            f"--num_patches must be from 1 to {of_what}{most}, received {num_patches}; choose one in that range"
        )
    return num_patches
