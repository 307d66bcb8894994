"""Makes the files and the manifest of a bundle from a finished training."""

from dataclasses import asdict, dataclass

from edge.bundle import model_file_name
from edge.errors import UserError
from tools.calibration import calibration_inputs, stratified
from tools.clone import Clone
from tools.convert import convert, model_entry
from tools.describe import describe, training, versions
from tools.folding import folded_weights
from tools.graphs import graphs, saliency_file
from tools.layer_error import layer_errors
from tools.qat import Tuning, rounded_clone, tune
from tools.workdir import Workdir

RESIZE = "stretch"  # what the training's reader of images does
FEWEST_CALIBRATION_IMAGES = 16
ENOUGH_CALIBRATION_IMAGES = 256
LAYER_ERROR_INPUTS = 64


@dataclass(frozen=True)
class Made:
    """The parts of a bundle, and what they can be compared with.

    Attributes:
        files: name -> bytes.
        manifest: without what is measured.
        float_graphs: model name -> graph with the same weights in float.
        inputs: model name -> real inputs, [N, ...] float32; empty where numbers are not int8.
    """

    files: dict
    manifest: dict
    float_graphs: dict
    inputs: dict


def make_bundle(workdir: Workdir, method: str, num_patches: int, calibration_images=512, tuning=Tuning()) -> Made:  # noqa: B008
    """Returns the parts of a bundle.

    Args:
        workdir: a finished training.
        method: 'float32', 'float16', 'ptq' or 'qat', see `tools.quantize`. 'qat' tunes the stages of the DCN; its whole
            fine model has the tuned weights and is quantized as by 'ptq'.
        num_patches: the bundle's number of patches.
        calibration_images: at most so many real images set the ranges of int8 numbers.
        tuning: of 'qat'.

    Raises:
        UserError: too few calibration images, or a network that cannot be converted.
    """
    network = workdir.model
    manifest = describe(network, workdir.calibration.label_names, num_patches, RESIZE)
    numbers = method if method in ("float32", "float16") else "int8"
    inputs, rounded, weights, quantization = {}, {}, folded_weights(network), {}
    if numbers == "int8":
        samples = _calibration_samples(workdir, calibration_images)
        inputs = calibration_inputs(network, samples.images, num_patches)
        quantization["calibration_images"] = len(samples.images)
    if method == "qat":
        clone = rounded_clone(network, inputs)
        quantization["losses"] = tune(network, clone, workdir.calibration.images, num_patches, tuning)
        quantization |= {"tuning": asdict(tuning), "tuning_images": len(workdir.calibration.images)}
        weights = clone.weights()
        network = Clone(network, weights)
        rounded = graphs(clone, num_patches)
        del rounded["whole_fine"]
    float_graphs = graphs(network, num_patches)
    files, models = saliency_file(network.architecture, weights), {}
    for name in float_graphs:
        print(f"converting {name} ({method})", flush=True)
        graph, calibration = (rounded[name], None) if name in rounded else (float_graphs[name], inputs.get(name))
        content = convert(graph, numbers, calibration)
        files[model_file_name(name)] = content
        models[name] = model_entry(content)
    made = {"method": method, "quantization": quantization, "models": models, "measured": None}
    manifest |= made | {"training": training(workdir.result), "versions": versions()}
    return Made(files, manifest, float_graphs, inputs)


def _calibration_samples(workdir, wanted):
    samples = workdir.calibration
    samples = samples.take(stratified(samples.labels[:, 0], wanted))
    count = len(samples.images)
    if count < FEWEST_CALIBRATION_IMAGES:
        raise UserError(
            f"at least {FEWEST_CALIBRATION_IMAGES} calibration images are needed, received {count} "
            f"(--calibration_images={wanted}; the workdir holds {len(workdir.calibration.images)}); use more"
        )
    if count < ENOUGH_CALIBRATION_IMAGES:
        print(f"note: {count} calibration images are few; {ENOUGH_CALIBRATION_IMAGES} or more are better")
    return samples


def against_float(architecture, made: Made) -> dict:
    """Returns what of `measured` follows from the models alone.

    `float32_bytes`: file -> bytes in float32. `layers`: see `tools.layer_error.layer_errors`; empty where numbers are
    not int8.
    """
    float_models = {name: convert(graph) for name, graph in made.float_graphs.items()}
    sizes = {model_file_name(name): len(content) for name, content in float_models.items()}
    layers = []
    if made.inputs:
        models = {name: made.files[model_file_name(name)] for name in float_models}
        layers = layer_errors(architecture, float_models, models, _few(made.inputs))
    return {"float32_bytes": sizes, "layers": layers}


def _few(inputs):
    """Returns about `LAYER_ERROR_INPUTS` of each model's inputs, from all over them."""
    return {name: values[:: max(1, len(values) // LAYER_ERROR_INPUTS)] for name, values in inputs.items()}


def check_num_patches(network, num_patches: int | None) -> int:
    """Returns k, the network's own where None; UserError where it is not 1 to the number of cells."""
    num_patches = network.architecture.num_patches if num_patches is None else num_patches
    if not 1 <= num_patches <= network.num_cells():
        raise UserError(
            f"--num_patches must be from 1 to the number of cells, {network.num_cells()}, received {num_patches}; "
            "choose one in that range"
        )
    return num_patches
