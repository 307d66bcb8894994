"""Makes the files and the manifest of a bundle from a finished training."""

from dataclasses import asdict, dataclass, field, replace

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
    """The parts of a bundle.

    Attributes:
        files: name -> bytes.
        manifest: without what is measured.
        inputs: model name -> real inputs, [N, ...] float32; empty where numbers are not int8.
    """

    files: dict
    manifest: dict
    inputs: dict


@dataclass(frozen=True)
class Source:
    """What the models of a bundle are converted from.

    Attributes:
        graphs: model name -> graph.
        weights: layer name -> (kernel, bias) of the same network, normalisation folded in.
        inputs: as in `Made`; they set the ranges of int8 numbers.
        rounded: names of graphs that round to ranges of their own.
        facts: what the manifest's `training` says of the quantization.
    """

    graphs: dict
    weights: dict
    inputs: dict = field(default_factory=dict)
    rounded: tuple = ()
    facts: dict = field(default_factory=dict)


def make_bundle(
    workdir: Workdir, method: str, num_patches: int, calibration_images: int = 512, tuning: Tuning | None = None
) -> Made:
    """Returns the parts of a bundle.

    Args:
        workdir: a finished training.
        method: 'float32', 'float16', 'ptq' or 'qat', see `tools.quantize`. 'qat' tunes the stages of the DCN; its whole
            fine model has the tuned weights and is quantized as by 'ptq'.
        num_patches: the bundle's number of patches.
        calibration_images: at most so many real images set the ranges of int8 numbers.
        tuning: of 'qat'; its defaults where None.

    Raises:
        UserError: too few calibration images, or a network that cannot be converted.
    """
    network = workdir.model
    manifest = describe(network, workdir.calibration.label_names, num_patches, RESIZE)
    source = Source(graphs(network, num_patches), folded_weights(network))
    numbers = method
    if method in ("ptq", "qat"):
        numbers = "int8"
        source = _calibrated(source, workdir, num_patches, calibration_images)
    if method == "qat":
        source = _tuned(source, workdir, num_patches, tuning or Tuning())
    files, models = saliency_file(network.architecture, source.weights), {}
    for name, graph in source.graphs.items():
        print(f"converting {name} ({method})", flush=True)
        content = convert(graph, numbers, None if name in source.rounded else source.inputs.get(name))
        files[model_file_name(name)] = content
        models[name] = model_entry(content)
    made = {"method": method, "models": models, "measured": None, "versions": versions()}
    manifest |= made | {"training": training(workdir.result) | {"quantization": source.facts}}
    return Made(files, manifest, source.inputs)


def _calibrated(source, workdir, num_patches, calibration_images):
    images = _calibration_images(workdir, calibration_images)
    inputs = calibration_inputs(workdir.model, images, num_patches)
    return replace(source, inputs=inputs, facts={"calibration_images": len(images)})


def _tuned(source, workdir, num_patches, tuning):
    network, images = workdir.model, workdir.calibration.images
    clone = rounded_clone(network, source.inputs)
    losses = tune(network, clone, images, num_patches, tuning)
    weights = clone.weights()
    rounded, in_float = graphs(clone, num_patches), graphs(Clone(network, weights), num_patches)
    parts = rounded | {"whole_fine": in_float["whole_fine"]}
    facts = source.facts | {"tuning": asdict(tuning), "tuning_images": len(images), "losses": losses}
    return Source(parts, weights, source.inputs, ("coarse", "fine", "top"), facts)


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
    """Returns what of `measured` follows from the models alone, beside the same in float32.

    `float32_bytes`: file -> bytes in float32. `layers`: see `tools.layer_error.layer_errors`; empty where numbers are
    not int8.
    """
    float_graphs = graphs(network, made.manifest["num_patches"])
    float_models = {name: convert(graph) for name, graph in float_graphs.items()}
    sizes = {model_file_name(name): len(content) for name, content in float_models.items()}
    layers = []
    if made.inputs:
        models = {name: made.files[model_file_name(name)] for name in float_models}
        layers = layer_errors(network.architecture, float_models, models, _few(made.inputs))
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
