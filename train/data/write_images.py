"""Writes cluttered test images as files, for programs that read images.

python -m train.data.write_images --out=FOLDER --data_dir=MNIST [--images=200]
python -m train.data.write_images --out=FOLDER                   # from scikit-learn's digits, where there is no MNIST
"""

from pathlib import Path

from absl import flags
from PIL import Image

from train import command
from train.config import Config
from train.data import digits
from train.data.cluttered import SPLIT_SEEDS, fixed_split
from train.errors import UserError


def write_images(folder: Path, source: digits.Digits, count: int) -> None:
    """Writes the first images of the fixed test split as NUMBER_LABEL.png; other PNG files there are removed."""
    split = fixed_split(*source.test, Config.test_images, SPLIT_SEEDS["test"]).head(count)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for number, (image, label) in enumerate(zip(split.images, split.labels)):
        Image.fromarray(image[..., 0]).save(folder / f"{number:05d}_{label[0]}.png")


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_string("out", None, "The folder to write into; PNG files that are there are removed.")
    flags.DEFINE_string("data_dir", None, "A folder with MNIST; scikit-learn's digits are used where this is left out.")
    flags.DEFINE_integer("images", 200, "How many.", lower_bound=1, upper_bound=Config.test_images)


def main():
    """Writes the images."""
    values = flags.FLAGS
    if not values.out:
        raise UserError("--out is missing; give the folder to write into, --out=FOLDER")
    source = digits.load_mnist(values.data_dir) if values.data_dir else digits.load_sklearn()
    write_images(Path(values.out), source, values.images)
    print(f"{values.images} cluttered test images of {source.detail} in {values.out}")


if __name__ == "__main__":
    define_flags()
    command.run("train.data.write_images", main)
