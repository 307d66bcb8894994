"""Finds what a trained network takes for numbers where there are none, for `train.main --negatives=FILE`.

python -m train.mine_negatives --init_from=runs/svhn --out=negatives.npz
"""

from pathlib import Path

from absl import flags

from train import command, files
from train.config import Config
from train.errors import UserError
from train.main import prepare_tensorflow
from train.progress import log, start_logging


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_string("init_from", None, "The trained network: a workdir, or a .keras file.")
    flags.DEFINE_string("preset", "numbers", "Its architecture.")
    flags.DEFINE_string("out", None, "The file that is written.")
    flags.DEFINE_integer(
        "photographs", 2500, "How many photographs without a number are read.", lower_bound=1, upper_bound=10**6
    )
    flags.DEFINE_float("least_probability", 0.2, "Of a patch's reading, to be taken.", lower_bound=0.0, upper_bound=1.0)


def main():
    """Reads photographs whose number is not painted, and keeps what is read in them all the same."""
    values = flags.FLAGS
    for name in ("init_from", "out"):
        if not values[name].value:
            raise UserError(f"--{name} is missing; give it")
    files.check_writable(Path(values.out), "--out")
    architecture = Config(workdir="", dataset="street_numbers", preset=values.preset).architecture
    if not (architecture.top.box and architecture.has_pyramid):
        raise UserError(f"--preset must be of a reader with a pyramid and a box. Received: {values.preset}")
    start_logging()
    prepare_tensorflow()
    from dcn_tf.model import DynamicCapacityNetwork
    from train.data.negatives import write_negatives
    from train.data.rendering.sets import ANY_SIZES, load_photographs
    from train.initial_weights import take_weights
    from train.mining import mine

    model = DynamicCapacityNetwork(architecture)
    model.build()
    take_weights(model, values.init_from)
    pictures = load_photographs("train", values.photographs, sizes=ANY_SIZES, painted=False)
    images, boxes = mine(model, [image[..., None] for image in pictures.images], values.least_probability)
    write_negatives(Path(values.out), images, boxes)
    log.info("%d readings in %d photographs without a number, in %s", len(images), values.photographs, values.out)


if __name__ == "__main__":
    define_flags()
    command.run("train.mine_negatives", main)
