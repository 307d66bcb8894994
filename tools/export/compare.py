"""A bundle against the network it was made from: errors, agreement, and whether both look at the same places.

python -m tools.export.compare --workdir=DIR --bundle=DIR [--num_patches=K] [--test_images=N]
"""

from absl import flags

from edge.bundle import load_bundle
from edge.quiet import quiet
from tools import command


def define_flags() -> None:
    """Defines the flags of this program."""
    flags.DEFINE_string("workdir", None, "A finished training's folder.", required=True)
    flags.DEFINE_string("bundle", None, "The bundle's folder or zip file.", required=True)
    flags.DEFINE_integer("num_patches", None, "Patches per image; the bundle's own by default.")
    flags.DEFINE_integer("test_images", None, "At most so many test images; all by default.", lower_bound=1)


def main(values) -> None:
    """Runs the command."""
    bundle = load_bundle(values.bundle)
    with quiet():  # importing TensorFlow writes several lines
        from tools import workdir
        from tools.export import agreement
    trained = agreement.at_bundles_size(workdir.load_workdir(values.workdir), bundle)
    test = trained.test.first(values.test_images)
    print(agreement.format_measured(agreement.compare(trained.model, bundle, test, values.num_patches)))


if __name__ == "__main__":
    define_flags()
    command.run(main)
