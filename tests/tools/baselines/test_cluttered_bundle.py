import json
from types import SimpleNamespace

import numpy as np
import pytest

from edge.errors import UserError
from tools.baselines import cluttered_bundle
from train.data.dataset import Split


def split(count=40):
    images = np.arange(count * 100, dtype=np.uint8).reshape(count, 10, 10, 1)
    return Split(images, (np.arange(count) % 10).astype(np.int32)[:, None], None, np.arange(count) // 2)


def reader(wrong, patches):
    """Returns a stand-in for a way to read `split`, that reads the first `wrong` images wrong."""
    calls = iter(range(1000))

    def run(image):
        i = next(calls)
        return SimpleNamespace(prediction=str((i + (i < wrong)) % 10), num_patches=patches)

    return run


def test_every_way_is_measured_and_compared_with_fine():
    runs = {"coarse": reader(10, 0), "fine": reader(2, None), "dcn/8": reader(4, 8)}
    rows = cluttered_bundle.measure(runs, split())
    assert {name: row["error"] for name, row in rows.items()} == {"coarse": 25.0, "fine": 5.0, "dcn/8": 10.0}
    assert [row["num_patches"] for row in rows.values()] == [0, 0, 8]
    assert "against_fine" not in rows["fine"]
    found = rows["dcn/8"]["against_fine"]
    assert (found["difference"], found["ours_alone"], found["theirs_alone"], found["p"]) == (5.0, 2, 0, 0.5)
    lines = cluttered_bundle.report(rows).splitlines()
    assert "dcn/8" in lines[-1]
    assert "+5.00" in lines[-1]
    assert "2 / 0" in lines[-1]


def test_a_bundle_of_another_size_is_refused(tmp_path, monkeypatch):
    manifest = SimpleNamespace(levels=None, input=SimpleNamespace(size=(28, 28)))
    monkeypatch.setattr(cluttered_bundle, "load_bundle", lambda path: SimpleNamespace(manifest=manifest))
    with pytest.raises(UserError, match="--bundle must read images of 100 x 100, received small"):
        cluttered_bundle.main(["--bundle=small"])


def test_the_shipped_bundle_reads_images_of_two_sets(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    arrays = {f"x_{name}": rng.integers(256, size=(12, 28, 28), dtype=np.uint8) for name in ("train", "test")}
    arrays |= {f"y_{name}": np.arange(12, dtype=np.uint8) % 10 for name in ("train", "test")}
    np.savez(tmp_path / "mnist.npz", **arrays)
    out = tmp_path / "found.json"
    arguments = ["--bundle=models/cluttered_mnist", f"--data_dir={tmp_path}", "--test_images=6", f"--json={out}"]
    cluttered_bundle.main(arguments)
    found = json.loads(out.read_text())
    assert found["test_images"] == 6
    expected = {
        "coarse",
        "fine",
        "dcn/1",
        "dcn/2",
        "dcn/4",
        "dcn/8",
        "dcn/16",
        "dcn, exit_entropy",
        "dcn, saliency_level",
    }
    assert set(found["ways"]) == expected
    assert found["ways"]["dcn/4"]["num_patches"] == 4
