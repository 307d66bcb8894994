import json
import subprocess

import pytest
import tensorflow as tf

from tools.baselines import framework_benchmark
from train.errors import TrainingError, UserError


def rates(step, together):
    return {"step": {"wall": step, "cpu": step / 2}, "together": {"wall": together, "cpu": together / 2}}


def test_our_process_measures_the_step_and_both(config, monkeypatch):
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda count: None)  # begun already
    measured = framework_benchmark.measure("tensorflow", config(), steps=2, threads=1)
    assert set(measured) == {"step", "together"}
    assert all(rate > 0 for kinds in measured.values() for rate in kinds.values())


def test_the_table_holds_medians_and_our_rate_by_theirs():
    rounds = [{"tensorflow": rates(a, 300), "torch": rates(b, 100)} for a, b in ((500, 250), (600, 100), (700, 200))]
    lines = framework_benchmark.format_rounds(rounds).splitlines()
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]] == [
        ["tensorflow", "step", "600", "1.00", "300", "1.00"],
        ["torch", "step", "200", "3.00", "100", "3.00"],
        ["tensorflow", "together", "300", "1.00", "150", "1.00"],
        ["torch", "together", "100", "3.00", "50", "3.00"],
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "fine"}, "--model=fine"),
        ({"training": "modular"}, "--training=modular"),
        ({"preset": "tiny_sequence"}, "--preset=tiny_sequence"),
        ({"optimizer": "sgd"}, "--optimizer=sgd"),
        ({"coarse_weight": 1.0}, "--coarse_weight=1.0"),
        ({"top_statistics": "shared"}, "--top_statistics=shared"),
        ({"relative_hint": True}, "--relative_hint"),
    ],
)
def test_a_training_that_the_reference_does_not_have_is_refused(values, message, config):
    with pytest.raises(UserError, match=message):
        framework_benchmark.check_comparable(config(**values))


@pytest.mark.parametrize("status", [0, 1])
def test_what_a_process_says_is_taken_or_passed_on(status, monkeypatch):
    measured = rates(2, 1)
    run = subprocess.CompletedProcess([], status, "noise\n" + json.dumps(measured) + "\n", "noise\nno memory\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: run)
    if status:
        with pytest.raises(TrainingError, match="torch ended with status 1: no memory"):
            framework_benchmark.measure_apart("torch")
    else:
        assert framework_benchmark.measure_apart("torch") == measured
