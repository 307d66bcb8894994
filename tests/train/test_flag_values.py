import json
from pathlib import Path

import pytest

from train.config import Config
from train.errors import UserError
from train.flag_values import check_same_run, write_config


def test_flags_that_are_not_at_their_defaults_are_named():
    assert Config(workdir="w", dataset="d").changed() == ["workdir", "dataset"]
    found = Config(workdir="w", dataset="d", seed=3, learning_rate=2e-3, selectors=("random",)).changed()
    assert found == ["workdir", "dataset", "seed", "selectors"]


def test_flags_of_a_config_stand_in_one_line_each_and_leave_none_out(config):
    lines = config(fallback=False, data_dir=None).to_flags().splitlines()
    assert "--nofallback" in lines
    assert "--augment" in lines
    assert "--eval_num_patches=1,3" in lines
    assert not any(line.startswith("--data_dir") for line in lines)


def test_a_workdir_takes_a_longer_run_but_not_another(config):
    check_same_run(config())  # nothing is there
    write_config(config())
    check_same_run(config(train_steps=60, log_every=1, data_dir="elsewhere", fallback=False, eval_scales=(1.0, 0.5)))
    for changed in ({"seed": 1}, {"augment": False}, {"num_patches": 4}, {"hint_weight": 0.0}, {"patch_size": (12,)}):
        with pytest.raises(UserError, match=f"begun with other flags: --{next(iter(changed))}="):
            check_same_run(config(**changed))


def test_lists_are_compared_and_told_as_flags_have_them(config):
    run = {"dataset": "folder,street_numbers"}
    write_config(config(**run, dataset_weights=(1.0, 3.0)))
    check_same_run(config(**run, dataset_weights=(1.0, 3.0)))
    with pytest.raises(UserError, match=r"--dataset_weights=1\.0,3\.0\. Received: --dataset_weights=1\.0,2\.0; resume"):
        check_same_run(config(**run, dataset_weights=(1.0, 2.0)))


def test_a_workdir_of_an_earlier_version_had_the_defaults_of_flags_that_came_since(config):
    write_config(config())
    path = Path(config().workdir, "config.json")
    values = json.loads(path.read_text())
    del values["replicas"]
    path.write_text(json.dumps(values))
    check_same_run(config())
    with pytest.raises(UserError, match="begun with other flags: --replicas=1. Received: --replicas=2;"):
        check_same_run(config(replicas=2))


def test_a_workdir_from_before_config_json_says_it_in_its_result_or_not(config, caplog):
    workdir = Path(config().workdir)
    workdir.mkdir()
    (workdir / "flags.txt").write_text(config().to_flags())
    check_same_run(config(seed=1))
    assert "has no config.json: that it is the same run is not checked" in caplog.text
    (workdir / "result.json").write_text(json.dumps({"config": config().to_dict()}))
    check_same_run(config())
    with pytest.raises(UserError, match="--seed=0. Received: --seed=1"):
        check_same_run(config(seed=1))


def test_a_folder_in_place_of_a_config_is_told_in_one_line(config):
    Path(config().workdir, "config.json").mkdir(parents=True)
    with pytest.raises(UserError, match=r"is damaged \(.*irectory.*mend config.json"):
        check_same_run(config())


@pytest.mark.parametrize("damaged", [lambda text: text[:50], lambda _: "[1]", lambda _: "3"])
def test_a_damaged_config_is_told_in_one_line(config, damaged):
    write_config(config())
    path = Path(config().workdir, "config.json")
    path.write_text(damaged(path.read_text()))
    with pytest.raises(UserError, match=r"is damaged \(.*mend config.json") as caught:
        check_same_run(config())
    assert "\n" not in str(caught.value)
