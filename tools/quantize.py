"""From a trained workdir to a bundle for the device.

python -m tools.quantize --workdir=DIR --bundle=DIR [--method=float32|ptq] [--num_patches=K]
"""

import tempfile
from pathlib import Path

from absl import flags

from edge.bundle import check_destination, write_bundle
from edge.errors import UserError
from edge.quiet import quiet
from tools import command

METHODS = ("float32", "ptq", "qat")


def define_flags() -> None:
    """Defines the flags of this program."""
    flags.DEFINE_string("workdir", None, "A finished training's folder.", required=True)
    flags.DEFINE_string("bundle", None, "Folder, or file ending in .zip; an older bundle is replaced.", required=True)
    methods = "float32 | ptq: int8 by post-training quantization | qat: int8 by quantization-aware training."
    flags.DEFINE_enum("method", "ptq", METHODS, methods)
    flags.DEFINE_integer("num_patches", None, "The bundle's number of patches; the training's by default.")
    flags.DEFINE_integer("calibration_images", 512, "At most so many real images set the ranges of int8 numbers.")
    flags.DEFINE_integer(
        "test_images", None, "At most so many test images to measure on; all by default.", lower_bound=1
    )


def main(values) -> None:
    """Runs the command."""
    if values.method == "qat":
        raise UserError("--method=qat is not available yet; use --method=ptq")
    check_destination(values.bundle)
    with quiet():  # importing TensorFlow writes several lines
        from tools import agreement, bundling, workdir
    trained = workdir.load_workdir(values.workdir)
    num_patches = bundling.check_num_patches(trained.model, values.num_patches)
    files, manifest = bundling.make_files(trained, values.method, num_patches, values.calibration_images)
    float_files = files
    if values.method != "float32":
        float_files, _ = bundling.make_files(trained, "float32", num_patches)
    with tempfile.TemporaryDirectory() as directory:  # measured first, written when all is known
        trial = write_bundle(Path(directory) / "bundle", files, manifest)
        manifest["measured"] = agreement.compare(trained.model, trial, trained.test.first(values.test_images))
    bundle = write_bundle(values.bundle, files, manifest)
    tables = (bundling.format_sizes(float_files, files), agreement.format_measured(manifest["measured"]))
    print("", *tables, f"written: {bundle.path}", sep="\n\n")


if __name__ == "__main__":
    define_flags()
    command.run(main)
