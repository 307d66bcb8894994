"""The bundle that the repository ships."""

from pathlib import Path

from edge.bundle import load_bundle
from edge.images import expand, load_image
from edge.runner import TwoStageRunner

MODELS = Path(__file__).parents[2] / "models"


def test_the_shipped_bundle_reads_the_sample_images():
    runner = TwoStageRunner(load_bundle(MODELS / "cluttered_mnist"))
    results = [runner.run(load_image(path, runner.manifest)) for path in expand([MODELS / "samples"])]
    assert "".join(result.prediction for result in results) == "73424053"
    assert all(result.num_patches == 8 for result in results)
    assert min(result.probability for result in results) > 0.9
