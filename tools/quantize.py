"""From a trained workdir to a bundle for the device.

python -m tools.quantize --workdir=DIR --bundle=DIR [--method=float32|float16|ptq|qat] [--num_patches=K]
    [--input_size=HEIGHT,WIDTH]
"""

import tempfile
from pathlib import Path

from absl import flags

from edge.bundle import check_destination, write_bundle
from edge.quiet import quiet
from tools import bundle_report, command

METHODS = {
    "float32": "as trained",
    "float16": "weights in half precision, computed in float32",
    "ptq": "int8 by post-training quantization",
    "qat": "int8 by quantization-aware training",
}


def define_flags() -> None:
    """Defines the flags of this program."""
    flags.DEFINE_string("workdir", None, "A finished training's folder.", required=True)
    flags.DEFINE_string("bundle", None, "Folder, or file ending in .zip; an older bundle is replaced.", required=True)
    flags.DEFINE_enum("method", "ptq", list(METHODS), "; ".join(f"{n}: {text}" for n, text in METHODS.items()) + ".")
    flags.DEFINE_integer("num_patches", None, "The bundle's number of patches; the training's by default.")
    flags.DEFINE_list(
        "input_size",
        None,
        "HEIGHT,WIDTH of the bundle's input in pixels, such as 256,512; the training's by default. Images of another "
        "size are laid on the input as they are, or shrunk, with their border repeated.",
    )
    flags.DEFINE_integer(
        "calibration_images",
        512,
        "ptq, qat: at most so many real images set the ranges of int8 numbers, as many of every class or length.",
    )
    flags.DEFINE_boolean(
        "laid_out",
        True,
        "The device lays out pixels for the first convolutions; without, for a comparison of the cost.",
    )
    flags.DEFINE_integer("qat_steps", 400, "qat: number of steps of 16 images.", lower_bound=1)
    flags.DEFINE_float("qat_learning_rate", 3e-5, "qat: of Adam at the first step; falls to 0 as a cosine.")
    flags.DEFINE_integer("seed", 0, "qat: of the order of images.", lower_bound=0)
    flags.DEFINE_integer(
        "test_images", None, "At most so many test images to measure on; all by default.", lower_bound=1
    )
    flags.DEFINE_string("report", None, "Also write the report here, a Markdown file.")


def main(values) -> None:
    """Runs the command."""
    check_destination(values.bundle)
    bundle_report.check_destination(values.report)
    with quiet():  # importing TensorFlow writes several lines
        from tools import workdir
        from tools.export import agreement, bundling, input_size, qat
    trained = workdir.load_workdir(values.workdir)
    if values.input_size:
        trained = input_size.at_size(trained, input_size.parse(values.input_size))
    num_patches = bundling.check_num_patches(trained.model, values.num_patches)
    tuning = qat.Tuning(values.qat_steps, values.qat_learning_rate, values.seed)
    made = bundling.make_bundle(trained, values.method, num_patches, values.calibration_images, tuning, values.laid_out)
    with tempfile.TemporaryDirectory() as directory:  # measured first, written when all is known
        trial = write_bundle(Path(directory) / "bundle", made.files, made.manifest)
        measured = agreement.compare(trained.model, trial, trained.test.first(values.test_images))
    measured |= bundling.against_float(trained.model, made)
    bundle = write_bundle(values.bundle, made.files, made.manifest | {"measured": measured})
    text = bundle_report.report([bundle.manifest])
    print(f"\n{text}\nwritten: {bundle.path}")
    if values.report:
        bundle_report.write(values.report, text)


if __name__ == "__main__":
    define_flags()
    command.run(main)
