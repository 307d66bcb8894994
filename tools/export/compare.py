"""Measures the agreement of a bundle with the network that it was made from, on test images.

python -m tools.export.compare --workdir=DIR --bundle=DIR [--num_patches=K] [--test_images=N]
"""

from edge.arguments import number
from edge.bundle import load_bundle
from edge.quiet import quiet
from tools import command


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.export.compare", __doc__)
    add = parser.add_argument
    add("--workdir", required=True, metavar="DIR", help="a finished training's folder")
    add("--bundle", required=True, metavar="DIR", help="the bundle's folder or zip file")
    add("--num_patches", type=number(0), metavar="K", help="patches per image; the bundle's own by default")
    add("--test_images", type=number(1), metavar="N", help="at most so many test images; all by default")
    values = parser.parse_args(arguments)
    bundle = load_bundle(values.bundle)
    with quiet():  # importing TensorFlow writes several lines
        from tools import workdir
        from tools.export import agreement
    trained = agreement.at_bundles_size(workdir.load_workdir(values.workdir), bundle)
    test = trained.test.first(values.test_images)
    print(agreement.format_measured(agreement.measure(trained.model, bundle, test, values.num_patches)))


if __name__ == "__main__":
    command.run(main)
