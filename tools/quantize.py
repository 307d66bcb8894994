"""Makes a bundle for the device from a finished training.

python -m tools.quantize --workdir=DIR --bundle=DIR [--method=float32|float16|ptq|qat] [--num_patches=K]
    [--input_size=HEIGHT,WIDTH] [--format=tflite|onnx]
"""

import tempfile
from pathlib import Path

from edge import output
from edge.arguments import number
from edge.bundle import check_destination, write_bundle
from edge.quiet import quiet
from tools import bundle_report, command

METHODS = {
    "float32": "as trained",
    "float16": "weights in half precision, computed in float32",
    "ptq": "int8 by post-training quantization",
    "qat": "int8 by quantization-aware training",
}
FORMATS = {
    "tflite": "what edge runs",
    "onnx": "float models for other runtimes beside it, coarse.onnx, fine.onnx and top.onnx; needs the extra onnx",
}


def make_parser():
    """Returns the parser of the command line."""
    parser = command.make_parser("tools.quantize", __doc__)
    add = parser.add_argument
    add("--workdir", required=True, metavar="DIR", help="a finished training's folder")
    add("--bundle", required=True, metavar="DIR", help="folder, or file ending in .zip; an older bundle is replaced")
    methods = "; ".join(f"{name}: {text}" for name, text in METHODS.items())
    add("--method", default="ptq", choices=list(METHODS), help=f"{methods} (default ptq)")
    formats = "; ".join(f"{name}: {text}" for name, text in FORMATS.items())
    add("--format", default="tflite", choices=list(FORMATS), help=f"{formats} (default tflite)")
    add("--num_patches", type=number(1), metavar="K", help="the bundle's number of patches; the training's by default")
    add(
        "--input_size",
        type=command.image_size,
        metavar="HEIGHT,WIDTH",
        help="of the bundle's input in pixels, such as 256,512; the training's by default. Images of another size are "
        "laid on the input as they are, or shrunk, with their border repeated",
    )
    apart = "images of any size: patches of one level begin so much of a patch apart; the network's own by default"
    add("--patches_apart", type=number(0, 1, float), metavar="X", help=apart)
    add(
        "--calibration_images",
        type=number(1),
        default=512,
        metavar="N",
        help="ptq, qat: at most so many real images set the ranges of int8, as many of every class or length",
    )
    add(
        "--nolaid_out",
        dest="laid_out",
        action="store_false",
        help="the device shall not lay out pixels for the first convolutions; for a comparison of the cost",
    )
    add("--qat_steps", type=number(1), default=400, metavar="N", help="qat: steps of 16 images (default 400)")
    rate = "qat: of Adam at the first step; falls to 0 as a cosine (default 3e-5)"
    add("--qat_learning_rate", type=number(1e-12, 1, float), default=3e-5, metavar="X", help=rate)
    add("--seed", type=number(0), default=0, metavar="N", help="qat: of the order of images (default 0)")
    add("--test_images", type=number(1), metavar="N", help="at most so many test images to measure on; all by default")
    add("--report", metavar="FILE", help="also write the report here, a Markdown file")
    return parser


def main(arguments) -> None:
    """Runs the command."""
    values = make_parser().parse_args(arguments)
    check_destination(values.bundle)
    output.check_writable(values.report)
    read = output.files_in(values.bundle, "--bundle") | output.files_in(values.workdir, "--workdir")
    output.check_apart({"--report": values.report}, read)
    with quiet():  # importing TensorFlow writes several lines
        from tools import workdir
        from tools.export import agreement, bundling, input_size, onnx_agreement, onnx_files, qat
    if values.format == "onnx":
        onnx_files.check_installed()
    trained = workdir.load_workdir(values.workdir)
    if values.input_size:
        trained = input_size.at_size(trained, values.input_size)
    trained = input_size.prepared(trained)
    num_patches = bundling.check_num_patches(trained.model, values.num_patches)
    tuning = qat.Tuning(values.qat_steps, values.qat_learning_rate, values.seed)
    made = bundling.make_bundle(trained, values.method, num_patches, values.calibration_images, tuning, values.laid_out)
    models = onnx_files.onnx_models(trained.model, num_patches) if values.format == "onnx" else {}
    made.files.update({onnx_files.onnx_file_name(name): content for name, content in models.items()})
    with tempfile.TemporaryDirectory() as directory:  # measured first, written when all is known
        trial = write_bundle(Path(directory) / "bundle", made.files, made.manifest)
        measured = agreement.measure(trained.model, trial, trained.test.first(values.test_images))
    measured |= bundling.against_float(trained.model, made)
    if models:
        test = trained.test.first(values.test_images)
        measured["onnx"] = onnx_agreement.compare(trained, models, num_patches, test)
    asked_for = made.manifest["levels"] and values.patches_apart is not None
    apart = {"patches_apart": values.patches_apart} if asked_for else {}
    bundle = write_bundle(values.bundle, made.files, made.manifest | {"measured": measured} | apart)
    text = bundle_report.report([bundle.manifest])
    print(f"\n{text}\nwritten: {bundle.path}")
    if values.report:
        output.write(values.report, text)


if __name__ == "__main__":
    command.run(main)
