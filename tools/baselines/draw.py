"""Trains and evaluates DRAW's classifier on the images that the DCN is trained and tested on.

python -m tools.baselines.draw --workdir=DIR --data_dir=MNIST
python -m tools.baselines.draw --flagfile=tools/baselines/draw.flags --workdir=DIR --data_dir=MNIST

The second is trained longer, in bfloat16, on distorted digits.
The same command resumes. A finished run leaves `result.json`, `flags.txt` and `curves.csv` in its workdir, as
`train.main` does: the errors and multiplications of 'draw' are those after each number of glimpses.
"""

from tools.baselines import glimpse_flags
from tools.baselines.draw_config import DrawConfig

OWN_FLAGS = {
    "glimpses": "Number of glimpses.",
    "glimpse_size": "Side of the grid of filters.",
    "answers_from": "The first glimpse whose answer is in the cross-entropy.",
}

if __name__ == "__main__":
    glimpse_flags.run("draw", DrawConfig, OWN_FLAGS)
