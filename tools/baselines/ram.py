"""Trains and evaluates a Recurrent Attention Model on the images that the DCN is trained and tested on.

python -m tools.baselines.ram --workdir=DIR --data_dir=MNIST
python -m tools.baselines.ram --flagfile=tools/baselines/ram_lstm.flags --workdir=DIR --data_dir=MNIST

The second has an LSTM for a core, looks at each image five times while it trains, and averages ten answers at test.
The same command resumes. A finished run leaves `result.json`, `flags.txt` and `curves.csv` in its workdir, as
`train.main` does: the errors and multiplications of 'ram' are those after each number of glimpses. Without averaging
each location is the policy's mean.
"""

from tools.baselines import glimpse_flags
from tools.baselines.ram_config import RamConfig

OWN_FLAGS = {
    "glimpses": "Number of glimpses.",
    "glimpse_size": "Side of a glimpse's windows in samples.",
    "answers_from": "The first glimpse whose answer is in the cross-entropy.",
    "scales": "Windows of a glimpse, each of twice the extent of the one before.",
    "cell": "Kind of the recurrent core: rnn | lstm.",
    "trajectories": "Times that each training image is looked at, along other locations.",
    "test_trajectories": (
        "Trajectories whose answers are averaged at test, each with other noise of --last_deviation; 1: the policy's "
        "mean, without noise. A finished run that is given another number is evaluated again."
    ),
    "first_deviation": "Standard deviation of training's locations at the beginning, in half sides of the image.",
    "last_deviation": "The same at the end; it falls by equal factors.",
    "reward_decay": "A location's return is the mean of the rewards behind it; each weighs this times the one before.",
    "location_weight": "Weight of the location's loss beside the cross-entropy, for what both train.",
}

if __name__ == "__main__":
    glimpse_flags.run("ram", RamConfig, OWN_FLAGS)
