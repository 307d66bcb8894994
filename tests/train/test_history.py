import dataclasses

import pytest

from train import history
from train.errors import UserError
from train.history import Sitting, changes, read, remarks, with_next


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(history, "cores", lambda: 4)


def rate(sitting, step):
    """Stands for a schedule: falls to 0 along a line."""
    return 1 - (step - sitting.phase) / (sitting.train_steps - sitting.phase)


BEGUN = [Sitting(0, 60, 0, 4)]


def test_a_finished_run_whose_history_is_gone_has_one():
    assert with_next([], 60, 60) == [Sitting(0, 60)]


def test_a_run_that_goes_on_as_it_was_is_one_sitting():
    assert with_next([], 0, 60) == BEGUN
    assert with_next(BEGUN, 0, 60) == BEGUN
    assert with_next(BEGUN, 30, 60) == BEGUN
    assert with_next(BEGUN, 60, 60) == BEGUN
    assert with_next(BEGUN, 60, 20) == BEGUN  # nothing to train
    assert remarks(BEGUN) == []
    assert changes(BEGUN, "cosine", rate) == []


def test_more_steps_before_the_end_stretch_the_schedule_and_that_is_said():
    sittings = with_next(BEGUN, 30, 120)
    assert sittings == [*BEGUN, Sitting(30, 120, 0, 4)]
    assert changes(sittings, "cosine", rate) == [
        "the cosine schedule is stretched from 60 to 120 steps: the learning rate goes on at 0.75, where it would have "
        "been 0.5"
    ]
    assert changes(sittings, "constant", rate) == []
    assert remarks(sittings) == ["not one run: begun with --train_steps=60", "--train_steps=120 from step 31 on"]


def test_more_steps_after_the_end_are_a_phase_of_their_own_and_that_is_said():
    sittings = with_next(BEGUN, 60, 100)
    assert sittings[1:] == [Sitting(60, 100, 60, 4)]
    assert changes(sittings, "cosine", rate) == [
        "all 60 steps were done: steps 61 to 100 are a new phase, in which the cosine schedule begins again, at a "
        "learning rate of 1"
    ]
    assert remarks(sittings)[1:] == ["a new phase with a schedule of its own from step 61 to 100"]
    assert with_next(sittings, 60, 100) == sittings  # killed before its first checkpoint
    assert with_next(sittings, 80, 100) == sittings
    assert with_next(sittings, 80, 200)[2:] == [Sitting(80, 200, 60, 4)]
    assert with_next(sittings, 55, 60) == BEGUN  # the checkpoint of step 60 was damaged


def test_other_cores_are_said():
    sittings = with_next([dataclasses.replace(BEGUN[0], cores=2)], 30, 60)
    assert changes(sittings, "cosine", rate) == [
        "on 4 cores, where the run was on 2: the result agrees with that of an uninterrupted run to rounding, not bit "
        "by bit"
    ]
    assert remarks(sittings) == []


def test_cores_are_those_of_the_process_or_what_tensorflow_is_told(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    assert history.cores() == 3
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")
    monkeypatch.setattr(history.os, "sched_getaffinity", lambda process: {0, 5}, raising=False)
    assert history.cores() == 2


def test_the_file_is_read_as_it_was_written(tmp_path):
    assert read(tmp_path) == []
    (tmp_path / "flags.txt").write_text("--seed=1\n--train_steps=60\n")  # of a version before history.json
    assert read(tmp_path) == [Sitting(0, 60, 0, None)]
    history.write(tmp_path, with_next(BEGUN, 60, 100))
    assert read(tmp_path) == with_next(BEGUN, 60, 100)


@pytest.mark.parametrize("text", ['[{"first_step": 0', "3", '["ab"]', '[{"first_step": "a", "train_steps": 1}]'])
def test_a_damaged_file_is_told_in_one_line(tmp_path, text):
    (tmp_path / history.FILE).write_text(text)
    with pytest.raises(UserError, match=r"history.json is damaged \(.*\); remove it") as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)
