import json
import logging
import os
from pathlib import Path

import pytest

from train import signals, workdir
from train.checkpoint_files import writing
from train.disk import DiskFullError
from train.errors import UserError
from train.flag_values import write_config
from train.workdir import held


def save(folder, step):
    with writing(Path(folder) / "checkpoints", step, size=10) as prefix:
        for part in ("index", "data-00000-of-00001"):
            Path(f"{prefix}.{part}").write_bytes(b"%d" % step)


@pytest.fixture(autouse=True)
def told(caplog):
    caplog.set_level(logging.INFO, "train")


def rate(sitting, step):
    return 0.5


def begin(config, **options):
    with held(config, **options) as run:
        run.begin(config, rate)
    return run


def test_a_run_begins_and_is_resumed_at_its_newest_checkpoint(config, caplog):
    config = config()
    assert begin(config).newest is None
    save(config.workdir, 3)
    caplog.clear()
    assert begin(config).newest.step == 3
    assert caplog.messages == ["resuming at step 3 of 6"]


def test_a_finished_run_that_is_to_go_on_is_a_new_phase_in_log_flags_and_history(config, caplog):
    begin(config())
    save(config().workdir, 6)
    longer = config(train_steps=10)
    assert begin(longer).phase == 6
    assert caplog.messages[-2:] == [
        "resuming at step 6 of 10",
        "all 6 steps were done: steps 7 to 10 are a new phase, in which the cosine schedule begins again, at a "
        "learning rate of 0.5",
    ]
    flags = Path(config().workdir, "flags.txt").read_text()
    assert flags.startswith(
        "# not one run: begun with --train_steps=6\n# a new phase with a schedule of its own from step 7 to 10\n"
    )
    assert flags.endswith(longer.to_flags())
    save(config().workdir, 8)
    caplog.clear()
    assert begin(longer).phase == 6
    assert caplog.messages == ["resuming at step 8 of 10"]
    history = json.loads(Path(config().workdir, "history.json").read_text())
    assert [sitting["train_steps"] for sitting in history] == [6, 10]


def test_another_process_is_named_in_one_line_and_nothing_is_written(config):
    config = config()
    with held(config):
        before = sorted(os.listdir(config.workdir))
        with pytest.raises(UserError, match=rf"^process {os.getpid()} on .* trains in .*; wait for it") as caught:
            begin(config)
        assert "\n" not in str(caught.value)
        assert sorted(os.listdir(config.workdir)) == before
    begin(config)


def test_a_run_that_fails_before_it_begins_leaves_no_folder_and_speaks_of_no_checkpoint(config):
    with pytest.raises(UserError, match="^no data$"), held(config()):
        raise UserError("no data")
    assert not Path(config().workdir).exists()
    with pytest.raises(signals.Stopped, match="^stopped by SIGINT; nothing was trained yet$"), held(config()):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (signals.Stopped(15), signals.Stopped, "stopped by SIGTERM"),
        (OSError(28, "No space left on device", "/x/y.png"), DiskFullError, "/x/y.png can't be written, .* are free"),
        (RuntimeError("flush: No space left on device"), DiskFullError, "events.out.tfevents can't be written"),
        (DiskFullError("the disk is full: z"), DiskFullError, "the disk is full: z"),
    ],
)
def test_what_is_safe_is_said_with_what_stops_a_run(config, error, kind, message):
    save(config().workdir, 3)
    said = f"{message}.*; the checkpoint of step 3 is safe, and the same command goes on"
    with pytest.raises(kind, match=said), held(config()):
        raise error


def test_how_to_go_on_is_said_after_a_step_that_was_saved(config):
    for restart, said in ((False, "the same command goes"), (True, "the same command, without --restart, goes")):
        message = f"^after step 2, which is saved; {said} on from there$"
        with pytest.raises(signals.Stopped, match=message) as caught, held(config(), restart=restart):
            raise signals.Stopped(1, "after step 2, which is saved")
        assert caught.value.number == 1


def test_leftovers_are_removed(config, caplog):
    config = config()
    begin(config)
    folder = Path(config.workdir)
    (folder / "checkpoints" / "ckpt-9_temp").mkdir(parents=True)
    (folder / "samples").mkdir()
    for name in ("result.123.partial.json", "samples/test.0af.partial.npz", "notes.partial.txt"):
        (folder / name).touch()
    begin(config)
    assert "removed what an interrupted run had left half written: 3 files" in caplog.messages
    assert [path.name for path in folder.rglob("*partial*")] == ["notes.partial.txt"]  # not ours


def test_restart_takes_other_flags_and_keeps_everything_aside(config, caplog):
    first, other = config(), config(learning_rate=1e-4)
    begin(first)
    save(first.workdir, 3)
    (Path(first.workdir) / "notes.txt").touch()
    with pytest.raises(UserError, match="begun with other flags: --learning_rate=.* or give --restart"):
        begin(other)
    assert begin(other, restart=True).newest is None
    aside = Path(first.workdir) / "before_restart"
    assert f"beginning again; what was there is kept in {aside}" in caplog.messages
    assert {"checkpoints", "config.json", "flags.txt", "history.json"} == set(os.listdir(aside))
    assert json.loads((Path(first.workdir) / "config.json").read_text())["learning_rate"] == 1e-4
    assert "not one run" not in (Path(first.workdir) / "flags.txt").read_text()
    begin(first, restart=True)
    assert (Path(first.workdir) / "before_restart-2" / "config.json").exists()
    assert (Path(first.workdir) / "notes.txt").exists()


@pytest.mark.parametrize("name", workdir.RESULTS)
def test_a_finished_run_without_checkpoints_is_not_trained_over(config, name):
    write_config(config())
    (Path(config().workdir) / name).write_text("{}")
    with pytest.raises(UserError, match=f"holds a finished run, {name}, but no checkpoint of it; .* --restart"):
        begin(config())
    begin(config(), restart=True)


def test_a_workdir_that_can_not_be_made_is_wrong_input(config, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--workdir must be a folder that can be made. Received: .*file/run"):
        begin(config(workdir=str(tmp_path / "file" / "run")))
