import json
from types import SimpleNamespace

import numpy as np
import pytest

from edge.bundle import load_bundle
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
        return SimpleNamespace(prediction=str((i + (i < wrong)) % 10), num_patches=patches, saliency=None)

    return run


def test_every_way_is_measured_and_compared_with_fine():
    bundle, asked = load_bundle("models/cluttered_mnist"), []

    def make(variant, bundle, num_patches):
        asked.append((variant.models, variant.setting, num_patches))
        wrong = {("coarse",): 10, ("whole_fine",): 2}.get(variant.models, 4)
        return reader(wrong, num_patches or 0)

    rows = cluttered_bundle.measure(bundle, split(), make)
    assert asked[:3] == [(("coarse",), None, None), (("whole_fine",), None, None), (("coarse", "fine", "top"), None, 1)]
    assert asked[-2:] == [(asked[2][0], "exit_entropy", None), (asked[2][0], "saliency_level", None)]
    assert {name: row["error"] for name, row in rows.items()} == {"coarse": 25.0, "fine": 5.0} | dict.fromkeys(
        list(rows)[2:], 10.0
    )
    assert [row["num_patches"] for row in rows.values()] == [0, 0, 1, 2, 4, 8, 16, 0, 0]
    cost = [rows[name]["multiplications"] for name in ("coarse", "dcn/1", "dcn/8", "fine")]
    assert cost == sorted(cost)
    assert rows["dcn, exit_entropy"]["multiplications"] == cost[0]  # of which no image was given a patch
    assert "against_fine" not in rows["fine"]
    found = rows["dcn/8"]["against_fine"]
    assert (found["difference"], found["ours_alone"], found["theirs_alone"], found["p"]) == (5.0, 2, 0, 0.5)
    line = next(line for line in cluttered_bundle.report(rows).splitlines() if line.startswith("dcn/8"))
    assert "+5.00" in line
    assert "2 / 0" in line


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
