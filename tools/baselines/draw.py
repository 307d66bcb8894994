"""Trains and evaluates DRAW's classifier on the images that the DCN is trained and tested on.

python -m tools.baselines.draw --workdir=DIR --data_dir=MNIST

The same command resumes. A finished run leaves `result.json`, `flags.txt` and `curves.csv` in its workdir, as
`train.main` does: the errors and multiplications of 'draw' are those after each number of glimpses.
"""

from absl import flags

from tools.baselines import glimpse_flags
from tools.baselines.draw_config import DrawConfig
from tools.baselines.ram_config import DATASETS
from train import command

OWN_FLAGS = {
    "dataset": " | ".join(DATASETS) + ".",
    "glimpses": "Number of glimpses.",
    "glimpse_size": "Side of the grid of filters.",
}


def main():
    """Runs one training. TensorFlow takes seconds to import, and wrong flags need not wait for it."""
    config = glimpse_flags.begin(DrawConfig)
    from tools.baselines.draw_training import train_and_evaluate

    train_and_evaluate(config, flags.FLAGS.restart)


if __name__ == "__main__":
    glimpse_flags.define(DrawConfig, OWN_FLAGS)
    command.run("tools.baselines.draw", main)
