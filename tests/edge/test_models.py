"""The bundle that the repository ships."""

import os
from pathlib import Path

import pytest

from edge.bundle import load_bundle
from edge.images import expand, load_image
from edge.runner import TwoStageRunner
from train.data.cluttered import SPLIT_SEEDS, fixed_split
from train.data.digits import load_mnist

MODELS = Path(__file__).parents[2] / "models"


def test_the_shipped_bundle_reads_the_sample_images():
    runner = TwoStageRunner(load_bundle(MODELS / "cluttered_mnist"))
    results = [runner.run(load_image(path, runner.manifest)) for path in expand([MODELS / "samples"])]
    assert "".join(result.prediction for result in results) == "73424053"
    assert all(result.num_patches == 8 for result in results)
    assert min(result.probability for result in results) > 0.9


@pytest.mark.skipif(
    not (Path(os.environ.get("DCN_DATA_DIR", "missing")) / "mnist.npz").is_file(),
    reason="needs the real MNIST: set DCN_DATA_DIR to a folder with mnist.npz",
)
def test_the_shipped_bundle_on_real_test_images():
    digits = load_mnist(os.environ["DCN_DATA_DIR"])
    split = fixed_split(*digits.test, 10000, SPLIT_SEEDS["test"]).head(1000)  # of the 10,000 that it was measured on
    runner = TwoStageRunner(load_bundle(MODELS / "cluttered_mnist"))
    wrong = sum(runner.run(image).categories[0] != label[0] for image, label in zip(split.images, split.labels))
    assert wrong <= 12  # 0.93 % of all of them
