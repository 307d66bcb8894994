"""Makes the files and the manifest of a bundle from a finished training."""

from edge.bundle import model_file_name
from edge.errors import UserError
from tools.calibration import calibration_inputs
from tools.convert import convert, model_entry
from tools.describe import describe, training, versions
from tools.graphs import graphs, saliency_file
from tools.workdir import Workdir

RESIZE = "stretch"  # what the training's reader of images does
FEWEST_CALIBRATION_IMAGES = 16
ENOUGH_CALIBRATION_IMAGES = 256


def make_files(workdir: Workdir, method: str, num_patches: int, calibration_images: int = 0) -> tuple[dict, dict]:
    """Returns the files of a bundle, name -> bytes, and its manifest without measured errors.

    Args:
        workdir: a finished training.
        method: 'float32' or 'ptq'.
        num_patches: the bundle's number of patches.
        calibration_images: at most so many real images set the ranges of int8 numbers.

    Raises:
        UserError: too few calibration images, or a network that the device's runner does not know.
    """
    network = workdir.model
    manifest = describe(network, workdir.calibration.label_names, num_patches, RESIZE)
    files = saliency_file(network)
    calibration = {}
    if method == "ptq":
        calibration = calibration_inputs(network, _calibration_images(workdir, calibration_images), num_patches)
    models = {}
    for name, graph in graphs(network, num_patches).items():
        print(f"converting {name} ({method})", flush=True)
        content = convert(graph, calibration.get(name))
        files[model_file_name(name)] = content
        models[name] = model_entry(content)
    made = {"method": method, "models": models, "measured": None}
    return files, manifest | made | {"training": training(workdir.result), "versions": versions()}


def _calibration_images(workdir, wanted):
    images = workdir.calibration.images[: max(0, wanted)]
    if len(images) < FEWEST_CALIBRATION_IMAGES:
        raise UserError(
            f"at least {FEWEST_CALIBRATION_IMAGES} calibration images are needed, received {len(images)} "
            f"(--calibration_images={wanted}; the workdir holds {len(workdir.calibration.images)}); use more"
        )
    if len(images) < ENOUGH_CALIBRATION_IMAGES:
        print(f"note: {len(images)} calibration images are few; {ENOUGH_CALIBRATION_IMAGES} or more are better")
    return images


def check_num_patches(network, num_patches: int | None) -> int:
    """Returns k, the network's own where None; UserError where it is not 1 to the number of cells."""
    num_patches = network.architecture.num_patches if num_patches is None else num_patches
    if not 1 <= num_patches <= network.num_cells():
        raise UserError(
            f"--num_patches must be from 1 to the number of cells, {network.num_cells()}, received {num_patches}; "
            "choose one in that range"
        )
    return num_patches


def format_sizes(float_files: dict, files: dict) -> str:
    """Returns a table of the models' bytes, in float32 and in the bundle."""
    names = [name for name in files if name.endswith(".tflite")]
    lines = [f"{'file':<20} {'float32 bytes':>14} {'bundle bytes':>14}"]
    lines += [f"{name:<20} {len(float_files[name]):>14,} {len(files[name]):>14,}" for name in names]
    return "\n".join(lines)
