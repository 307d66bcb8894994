"""Bundles of one network side by side, as Markdown: errors, sizes, and the layers that lose most.

python -m tools.bundle_report --bundles=DIR[,DIR...] [--report=FILE.md]

Everything is read from the manifests, in which tools.quantize wrote what it measured.
"""

from edge.arguments import listed
from edge.bundle import load_bundle
from edge.errors import UserError
from edge.output import check_apart, check_writable, files_in, write
from tools import command
from tools.table import MARKDOWN, table

WORST_LAYERS = 5


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.bundle_report", __doc__)
    add = parser.add_argument
    add("--bundles", type=listed, required=True, metavar="DIR,...", help="bundles of one network, joined by commas")
    add("--report", metavar="FILE", help="also write the report here, a Markdown file")
    values = parser.parse_args(arguments)
    check_writable(values.report)
    for path in values.bundles:
        check_apart({"--report": values.report}, files_in(path, "--bundles"))
    text = report([load_bundle(path).manifest for path in values.bundles])
    print(text)
    if values.report:
        write(values.report, text)


def report(manifests: list) -> str:
    """Returns the report of some bundles.

    Raises:
        UserError: they are of different networks, or were measured on different images, or not at all.
    """
    _check_alike(manifests)
    first = manifests[0].measured
    title = (
        f"# {manifests[0].name}: {first['images']:,} images of {first['dataset']} {first['split']}, "
        f"{first['num_patches']} patches"
    )
    parts = [title, _errors(manifests), _sizes(manifests)]
    parts += [_onnx(manifest) for manifest in manifests if manifest.measured.get("onnx")]
    parts += [_worst_layers(manifest) for manifest in manifests if manifest.measured.get("layers")]
    return "\n\n".join(parts) + "\n"


def _check_alike(manifests):
    for manifest in manifests:
        if not manifest.measured:
            raise UserError(f"the {manifest.method} bundle of {manifest.name} was not measured; export it again")
    facts = [
        (
            m.name,
            *(m.measured[n] for n in ("dataset", "split", "images", "num_patches")),
            m.measured["error"].get("dcn_keras"),
        )
        for m in manifests
    ]
    for other in facts[1:]:
        if other != facts[0]:
            raise UserError(
                f"bundles of one network, measured on the same images, are needed, received {facts[0]} and {other}; "
                "report on each alone"
            )


def _errors(manifests):
    error = manifests[0].measured["error"]
    rows = [("Keras", _percent(error["dcn_keras"]), "", "", _percent(error.get("fine_keras")), "")]
    for manifest in manifests:
        measured = manifest.measured
        rows.append(
            (
                manifest.method,
                _percent(measured["error"]["dcn_bundle"]),
                _percent(measured["agreement"]["dcn"]),
                _percent(measured["cell_overlap"]),
                _percent(measured["error"].get("fine_bundle")),
                _percent(measured["agreement"].get("fine")),
            )
        )
    head = (
        "model",
        "error, %",
        "equal predictions, %",
        "equal cells, %",
        "whole fine: error, %",
        "equal predictions, %",
    )
    return table(head, rows, MARKDOWN)


def _percent(value):
    return "" if value is None else f"{value:.2f}"


def _sizes(manifests):
    names = sorted(manifests[0].files)
    float_bytes = manifests[0].measured.get("float32_bytes", {})
    sizes = [{name: entry.bytes for name, entry in manifest.files.items()} for manifest in manifests]
    rows = [(name, *(_count(of_one.get(name)) for of_one in (float_bytes, *sizes))) for name in names]
    return table(("bytes", "float32", *(m.method for m in manifests)), rows, MARKDOWN)


def _count(value):
    return "" if value is None else f"{value:,}"


def _onnx(manifest):
    """Returns how onnxruntime's answers compare with Keras'."""
    found = manifest.measured["onnx"]
    rows = [(name, f"{difference:.1e}") for name, difference in found["difference"].items()]
    head = (f"{manifest.method}: ONNX model", "largest difference from Keras, in parts of the largest output")
    return (
        f"{table(head, rows, MARKDOWN)}\n\nonnxruntime and Keras, {found['images']:,} images: "
        f"{found['agreement']:.2f} % equal predictions, {found['cell_overlap']:.2f} % equal cells."
    )


def _worst_layers(manifest):
    rows = [
        (error["model"], error["layer"], f"{error['snr_db']:.1f}")
        for error in manifest.measured["layers"][:WORST_LAYERS]
    ]
    return table((f"{manifest.method}: worst layers of", "layer", "signal to noise, dB"), rows, MARKDOWN)


if __name__ == "__main__":
    command.run(main)
