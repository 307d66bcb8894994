from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tools.baselines import draw_training, ram_training
from tools.baselines.draw_config import DrawConfig
from tools.baselines.ram_config import RamConfig
from train import training

MODELS = {
    "ram": (ram_training, RamConfig, {"glimpses": 3}),
    "draw": (draw_training, DrawConfig, {"glimpses": 2, "glimpse_size": 4}),
}


def weights(workdir):
    reader = tf.train.load_checkpoint(str(Path(workdir) / "checkpoints"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.startswith("model")}


@pytest.mark.parametrize("name", MODELS)
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(name, tiny_run, tmp_path, monkeypatch):
    module, kind, values = MODELS[name]
    whole, halves = (tiny_run(kind, workdir=str(tmp_path / part), **values) for part in ("whole", "halves"))
    result = module.train_and_evaluate(whole)
    report = training._report

    def interrupted(step, *rest):
        report(step, *rest)
        if step == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        module.train_and_evaluate(halves)
    monkeypatch.setattr(training, "_report", report)
    assert not Path(halves.workdir, "result.json").exists()
    assert module.train_and_evaluate(halves)["error"] == result["error"]
    ours, theirs = weights(whole.workdir), weights(halves.workdir)
    assert ours.keys() == theirs.keys()
    for variable, value in ours.items():
        np.testing.assert_allclose(value, theirs[variable], rtol=1e-5, atol=1e-7)
