"""The bundles that the repository ships."""

import json
import os
from pathlib import Path

import pytest

from edge.bundle import load_bundle
from edge.network.pyramid_runner import make_runner
from edge.network.runner import NEVER, TwoStageRunner
from edge.sight.images import expand, load_image

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = sorted(path.parent.name for path in MODELS.glob("*/manifest.json"))
CLASSIFIERS = [name for name in SHIPPED if name.startswith("cluttered_mnist")]


def test_the_first_minute_has_its_bundle():
    assert {"cluttered_mnist", "street_numbers"} <= set(SHIPPED)


def test_the_reader_reads_most_of_the_photographs_and_says_where():
    runner = make_runner(load_bundle(MODELS / "street_numbers"))
    entries = json.loads((MODELS / "photographs" / "annotations.json").read_text())
    right = 0
    for entry in entries:
        result = runner.run(load_image(MODELS / "photographs" / entry["file"], runner.manifest.input))
        if result.prediction != "".join(map(str, entry["label"])):
            continue
        right += 1
        left, top, across, down = entry["box"]
        x, y = (result.box[0] + result.box[2]) / 2, (result.box[1] + result.box[3]) / 2
        assert left < x < across
        assert top < y < down
    assert len(entries) == 8
    assert right >= 6


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_shipped_bundle_reads_the_sample_images(name):
    runner = TwoStageRunner(load_bundle(MODELS / name))
    images = [load_image(path, runner.manifest.input) for path in expand([MODELS / "samples"])]
    results = [runner.run(image, exit_entropy=NEVER) for image in images]
    assert "".join(result.prediction for result in results) == "73424053"
    assert all(result.num_patches == 8 for result in results)
    assert min(result.probability for result in results) > 0.9
    with_exit = [runner.run(image) for image in images]
    assert "".join(result.prediction for result in with_exit) == "73424053"
    assert 0 in {result.num_patches for result in with_exit}


def test_every_shipped_bundle_has_its_thresholds():
    for name in SHIPPED:
        manifest = load_bundle(MODELS / name).manifest
        assert manifest.exit_entropy is not None
        assert getattr(manifest, manifest.adaptive) is not None
        assert bool(manifest.levels) == (manifest.reading_threshold is not None)
        assert manifest.content["calibration"]["images"] >= 100


@pytest.fixture(scope="module")
def test_images():
    folder = Path(os.environ.get("DCN_DATA_DIR", "missing"))
    if not (folder / "mnist.npz").is_file():
        pytest.skip("needs the real MNIST: set DCN_DATA_DIR to a folder with mnist.npz")
    pytest.importorskip("filelock", reason="makes images with train.data, which needs filelock")
    from train.data.cluttered import SPLIT_SEEDS, fixed_split
    from train.data.digits import load_mnist

    return fixed_split(*load_mnist(folder).test, 10000, SPLIT_SEEDS["test"])


ROUNDED = 7  # answers of 10,000: so many differ between two runtimes, whose kernels round otherwise


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_shipped_bundle_has_the_error_that_its_manifest_tells(name, test_images):
    bundle = load_bundle(MODELS / name)
    runner = TwoStageRunner(bundle)
    pairs = zip(test_images.images, test_images.labels)
    wrong = sum(runner.run(image, exit_entropy=NEVER).categories[0] != label[0] for image, label in pairs)
    measured = bundle.manifest.measured
    assert measured["images"] == len(test_images.images) == 10000
    assert abs(wrong - 100 * measured["error"]["dcn_bundle"]) <= ROUNDED
