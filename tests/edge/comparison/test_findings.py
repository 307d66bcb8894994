from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.comparison import findings
from edge.comparison.board import Machine, State, Watch
from edge.comparison.findings import Run, add_energy, circumstances, entries, error, several
from edge.comparison.race import Outcome, Times
from edge.comparison.variants import DCN, VARIANTS
from edge.energy.model import modelled_energy
from edge.errors import UserError

SHIPPED = Path(__file__).parents[3] / "models" / "cluttered_mnist"
PATHS, LABELS = ["a.png", "b.png", "c.png", "d.png"], {"a.png": "1", "b.png": "2", "d.png": "3"}


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(SHIPPED)


def make_run(bundle, name, milliseconds, patches, predictions="1299", starts=()):
    saliency = name == "dcn_int8"
    outcomes = [Outcome(prediction, count, saliency) for prediction, count in zip(predictions, patches)]
    nanoseconds = np.full((2, 4), milliseconds * 1_000_000)
    return Run(VARIANTS[name], bundle, lambda image: image, Times(nanoseconds, [{"top": 5.0}] * 8, outcomes), starts)


@pytest.fixture
def runs(bundle):
    return {
        "fine_int8": make_run(bundle, "fine_int8", 10, [0] * 4, starts=[(0.5, 50.0), (0.25, 70.0), (0.3, None)]),
        "dcn_int8": make_run(bundle, "dcn_int8", 4, [8] * 4),
        "dcn_int8_exit": make_run(bundle, "dcn_int8_exit", 3, [0, 8, 8, 0]),
    }


def test_an_entry_has_what_other_programs_rely_on(runs):
    fine, dcn, exits = entries(runs, PATHS, LABELS)
    assert [entry["name"] for entry in (fine, dcn, exits)] == list(runs)
    assert dcn["latency_us"] == {"p50": 4000.0, "p90": 4000.0, "p99": 4000.0, "mean": 4000.0, "least": 4000.0}
    assert dcn["stages_us"] == {"top": {"p50": 5.0, "p90": 5.0, "p99": 5.0}}
    assert dcn["ratio_to_fine_int8"] == {"median_of_ratios": 0.4, "ratio_of_medians": 0.4, "ratio_of_least": 0.4}
    assert dcn["error"] == pytest.approx(100 / 3)
    assert (fine["bytes"], dcn["bytes"]) == (72800, 48152 + 30272 + 41000 + 153336)
    assert (dcn["num_patches"], dcn["coarse_stood"]) == (8, 0)
    assert (exits["num_patches"], exits["coarse_stood"]) == (4, 0.5)
    assert (fine["num_patches"], fine["coarse_stood"]) == (None, None)
    assert (fine["cold_start_ms"], fine["memory_mb"]) == (300.0, 70.0)
    assert (dcn["cold_start_ms"], dcn["memory_mb"]) == (None, None)
    assert exits["multiplications"] < dcn["multiplications"] < fine["multiplications"]


def test_without_the_whole_fine_model_there_is_no_ratio(runs):
    del runs["fine_int8"]
    assert [entry["ratio_to_fine_int8"] for entry in entries(runs, PATHS, LABELS)] == [None, None]


def test_an_error_is_unknown_where_no_label_is_known_and_never_0():
    outcomes = [Outcome("1", 0, False), Outcome("2", 0, False)]
    assert error(outcomes, ["x", "y"], {}) is None
    assert error(outcomes, ["x", "y"], {"x": "1"}) == 0
    assert error(outcomes, ["x", "y"], {"x": "1", "y": "1"}) == 50


def test_modelled_energy_is_the_mean_over_images_and_says_so(runs, bundle):
    found = entries(runs, PATHS, LABELS)
    add_energy(found, runs, [], "model", None)
    fine, dcn, exits = found
    whole = modelled_energy(bundle, ("whole_fine",)).microjoules.value
    both = [modelled_energy(bundle, models, 8).microjoules.value for models in (DCN, ("coarse",))]
    assert fine["energy_uj"] == fine["modelled_energy_uj"] == pytest.approx(whole)
    assert exits["energy_uj"] == pytest.approx(sum(both) / 2)
    assert dcn["energy_saving"]["fine_int8"] == pytest.approx(1 - both[0] / whole, abs=1e-4)
    assert dcn["energy_saving"]["fine_float32"] is None
    assert dcn["energy_source"].startswith("modelled (")
    assert dcn["energy_measurement"] is None


def test_no_energy_where_none_is_wanted(runs):
    found = entries(runs, PATHS, LABELS)
    add_energy(found, runs, [], "none", None)
    assert [(e["energy_uj"], e["energy_source"], e["modelled_energy_uj"]) for e in found] == [(None,) * 3] * 3


def test_no_energy_where_the_model_cannot_be_had(runs, monkeypatch):
    def fails(*_):
        raise UserError("nothing is installed to read .tflite files with")

    monkeypatch.setattr(findings, "modelled_energy", fails)
    found = entries(runs, PATHS, LABELS)
    add_energy(found, runs, [], "model", None)
    assert [(e["energy_uj"], e["energy_source"], e["energy_saving"]["fine_int8"]) for e in found] == [(None,) * 3] * 3


def fake_measure(valid):
    energies = iter([30.0, 12.0, 9.0])

    def measure(meter, run_once):
        assert [run_once() for _ in range(3)] == ["p", "q", "p"]
        energy = next(energies)
        spread = {"median": energy, "min": energy - 1, "max": energy + 1} if valid else None
        facts = {"source": meter.source, "valid": valid, "why_not": None if valid else "at rest: it stands still"}
        return SimpleNamespace(to_dict=lambda: facts | {"energy_uj": spread, "net_energy_uj": spread})

    return measure


def test_a_meter_comes_before_the_model_and_reads_the_images_in_turn(runs, monkeypatch):
    monkeypatch.setattr(findings, "measure", fake_measure(valid=True))
    found = entries(runs, PATHS, LABELS)
    add_energy(found, runs, ["p", "q"], "rapl", SimpleNamespace(source="rapl (package-0)"))
    assert [entry["energy_uj"] for entry in found] == [30.0, 12.0, 9.0]
    assert {entry["energy_source"] for entry in found} == {"measured (rapl (package-0))"}
    assert found[1]["energy_saving"] == {"fine_float32": None, "fine_int8": 0.6}
    assert found[1]["modelled_energy_uj"] not in (None, 12.0)


def test_a_reading_that_is_not_valid_is_not_replaced_by_the_model(runs, monkeypatch):
    monkeypatch.setattr(findings, "measure", fake_measure(valid=False))
    found = entries(runs, PATHS, LABELS)
    add_energy(found, runs, ["p", "q"], "rapl", SimpleNamespace(source="rapl"))
    assert [entry["energy_uj"] for entry in found] == [None] * 3
    assert found[0]["energy_source"] == "measured (rapl), not valid: at rest: it stands still"


def test_circumstances_say_why_a_run_is_not_valid(tmp_path, bundle):
    images = SimpleNamespace(source="folder", paths=PATHS, labels=LABELS, labels_source="labels.json")
    watch = Watch(Machine(tmp_path), [State(0.0), State(1.0, temperature=90.0), State(2.0)])
    found = circumstances(watch, 2, {"int8": bundle}, images, 7, 0)
    assert (found["threads"], found["valid"], len(found["problems"])) == (2, False, 1)
    assert found["images"] == {"source": "folder", "count": 4, "labelled": 3, "labels": "labels.json"}
    facts = {"name": "cluttered_mnist", "saliency_level": bundle.manifest.saliency_level, "reading_threshold": None}
    assert facts.items() <= found["bundle"].items()
    assert found["float_bundle"] is None
    other = circumstances(Watch(Machine(tmp_path), [State(0.0), State(1.0)]), 1, {"float32": bundle}, images, 7, 0)
    assert other["valid"]
    both = several([found, other])
    assert (both["threads"], both["valid"], both["runs"]) == ([2, 1], False, [found, other])
