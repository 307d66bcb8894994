"""Finished workdirs of tiny networks with all that a training writes about itself."""

import json

import numpy as np
import tiny_bundles

TESTED = ("1", "2", "3", "5")  # numbers of patches
CURVES = {"train/loss": [2.5, 0.25], "train/loss/hint": [9.0, 3.0], "validation_error/dcn/3": [60.0, 12.5]}


def figures(model, factor):
    """Returns errors, or multiplications, of every row that a training of a model has."""
    if model != "dcn":
        return {model: 7.5 * factor}
    return {"coarse": 9.25 * factor, "fine": 3.5 * factor, "dcn": {k: (6.125 - int(k)) * factor for k in TESTED}}


def make_result(model="dcn", test_images=tiny_bundles.NUM_IMAGES, **changes):
    """Returns a whole `result.json`; `changes` replaces or adds entries."""
    config = {"workdir": "runs/a b", "dataset": "tiny", "preset": "tiny", "model": model, "training": "end_to_end"}
    config |= {"seed": 4, "batch_size": 32, "augment": True, "num_patches": None, "eval_num_patches": [1, 2, 3, 5]}
    costs = {"error": figures(model, 1.0), "multiplications": figures(model, 1_000_000)}
    result = {"dataset": "tiny", "dataset_detail": "48 blocks", "seed": 4, "steps": 1000, "seconds": 600.0, **costs}
    result |= {"validation_error": figures(model, 2.0), "test_images": test_images, "config": config}
    return result | {"versions": {"python": "3.11.7"}} | changes


def finish(directory, network, model="dcn", curves=CURVES, **changes):
    """Writes a finished workdir whose labels a data set could have, and returns it."""
    tiny_bundles.write_workdir(directory, network)
    (directory / "result.json").write_text(json.dumps(make_result(model, **changes)))
    if network.architecture.task == "sequence":
        samples = directory / "samples" / "test.npz"
        arrays = dict(np.load(samples))
        top, symbols = network.architecture.top, network.architecture.top.symbols
        behind = np.arange(top.max_length) >= arrays["labels"][:, :1] + top.min_length
        arrays["labels"][:, 1:] = np.where(behind, symbols, arrays["labels"][:, 1:] % symbols)
        np.savez(samples, **arrays)
    if curves is not None:
        rows = [f"{50 * i},{name},{value}" for name, values in curves.items() for i, value in enumerate(values, 1)]
        (directory / "curves.csv").write_text("\n".join(["step,name,value", *rows]))
    return directory
