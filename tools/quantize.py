"""From a trained workdir to a bundle for the device.

    python -m tools.quantize --workdir=DIR --bundle=DIR [--method=float32|ptq] [--num_patches=K]
"""

import platform
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import dcn_tf
from edge.bundle import check_destination, model_file_name, write_bundle
from edge.errors import UserError
from tools import command
from tools.calibration import calibration_inputs
from tools.compare import compare, format_measured
from tools.convert import convert, model_entry
from tools.export import describe, graphs, saliency_file
from tools.workdir import Workdir, load_workdir

METHODS = ("float32", "ptq", "qat")
FEWEST_CALIBRATION_IMAGES = 16
ENOUGH_CALIBRATION_IMAGES = 256


def define_flags() -> None:
    """Defines the flags of this program."""
    flags.DEFINE_string("workdir", None, "A finished training's folder.", required=True)
    flags.DEFINE_string("bundle", None, "Where to write the bundle; an older one there is replaced.", required=True)
    flags.DEFINE_enum(
        "method", "ptq", METHODS, "float32; ptq: int8 by post-training quantization; qat: by quantization-aware training."
    )
    flags.DEFINE_integer("num_patches", None, "The bundle's number of patches; the training's by default.")
    flags.DEFINE_integer("calibration_images", 512, "At most so many real images set the ranges of int8 numbers.")
    flags.DEFINE_integer("test_images", None, "How many of the workdir's test images to measure on; all by default.", lower_bound=1)


def quantize(workdir: Workdir, method: str, num_patches: int, calibration_images: int) -> tuple[dict, dict]:
    """Returns the files of a bundle and its manifest, without measured errors.

    Raises:
        UserError: too few calibration images, or a network that the device's runner does not know.
    """
    network = workdir.model
    manifest = describe(network, workdir.calibration.label_names, num_patches, resize="stretch")
    files = saliency_file(network)
    calibration = {}
    if method == "ptq":
        images = _calibration_images(workdir, calibration_images)
        calibration = calibration_inputs(network, images, num_patches)
    manifest["models"] = {}
    for name, graph in graphs(network, num_patches).items():
        print(f"converting {name}", flush=True)
        content = convert(graph, calibration.get(name))
        files[model_file_name(name)] = content
        manifest["models"][name] = model_entry(content)
    manifest |= {"method": method, "measured": None, "training": _training(workdir), "versions": versions()}
    return files, manifest


def _calibration_images(workdir, wanted):
    images = workdir.calibration.images[:wanted]
    if len(images) < FEWEST_CALIBRATION_IMAGES:
        raise UserError(
            f"at least {FEWEST_CALIBRATION_IMAGES} calibration images are needed, received {len(images)} "
            f"(--calibration_images={wanted}, the workdir holds {len(workdir.calibration.images)}); use more"
        )
    if len(images) < ENOUGH_CALIBRATION_IMAGES:
        print(f"note: {len(images)} calibration images are few; {ENOUGH_CALIBRATION_IMAGES} or more are better")
    return images


def _training(workdir) -> dict:
    """Returns what the manifest keeps of the training: no paths of the workstation."""
    result = workdir.result
    config = {name: value for name, value in result.get("config", {}).items() if name not in ("workdir", "data_dir")}
    kept = {name: result.get(name) for name in ("dataset", "dataset_detail", "seed", "steps", "error")}
    return kept | {"config": config}


def versions() -> dict[str, str]:
    """Returns the versions that made a bundle."""
    found = {"dcn_tf": dcn_tf, "tensorflow": tf, "keras": keras, "numpy": np}
    return {"python": platform.python_version()} | {name: module.__version__ for name, module in found.items()}


def check_patches(network, num_patches: int | None) -> int:
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


def main(_) -> None:
    """Runs the command."""
    values = flags.FLAGS
    if values.method == "qat":
        raise UserError("--method=qat is not available yet; use --method=ptq")
    check_destination(values.bundle)
    workdir = load_workdir(values.workdir)
    num_patches = check_patches(workdir.model, values.num_patches)
    files, manifest = quantize(workdir, values.method, num_patches, values.calibration_images)
    float_files = files if values.method == "float32" else quantize(workdir, "float32", num_patches, 0)[0]
    with tempfile.TemporaryDirectory() as directory:  # measured first, written when all is known
        trial = write_bundle(Path(directory) / "bundle", files, manifest)
        manifest["measured"] = compare(workdir.model, trial, workdir.test.first(values.test_images))
    bundle = write_bundle(values.bundle, files, manifest)
    print(f"\n{format_sizes(float_files, files)}\n\n{format_measured(manifest['measured'])}\n\nwritten: {bundle.directory}")


if __name__ == "__main__":
    define_flags()
    command.run(main)
