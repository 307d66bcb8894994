import json
from pathlib import Path

import pytest

from edge.errors import UserError
from tools.sweeps.declaration import read_sweep, select

ROOT = Path(__file__).parents[3]


VARIANTS = {"a": {"seeds": [0, 2], "flags": []}, "b": {"seeds": [1], "flags": ["--model=fine"]}}


def declared(**changes):
    content = {"about": "x", "flags": ["--train_steps=4"], "workdirs": "runs/s", "results": "results/s", "keep": []}
    return content | {"variants": VARIANTS} | changes


def written(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_runs_stand_in_the_files_order_with_common_flags_first(tmp_path):
    runs = read_sweep(written(tmp_path, declared(keep=["curves.csv"])))
    assert [run.name for run in runs] == ["a_seed0", "a_seed2", "b_seed1"]
    assert runs[2].flags == ("--train_steps=4", "--model=fine")
    assert runs[1].workdir == Path("runs/s/a_seed2")
    assert runs[1].results == Path("results/s/a_seed2")
    assert runs[1].keep == ("curves.csv",)


def test_a_run_begins_from_that_of_the_variant_it_names_in_the_same_place(tmp_path):
    later = {"seeds": [10, 11], "init_from": "a", "flags": ["--model=fine"]}
    runs = read_sweep(written(tmp_path, declared(variants=VARIANTS | {"c": later})))
    assert [run.flags[1:] for run in runs[-2:]] == [
        ("--init_from=runs/s/a_seed0", "--model=fine"),
        ("--init_from=runs/s/a_seed2", "--model=fine"),
    ]


def test_a_run_begins_from_the_mean_of_the_runs_that_its_seed_lists(tmp_path):
    mean = {"seeds": [10, 11], "init_from": ["a_seed0,b_seed1", "a_seed2"], "flags": []}
    runs = read_sweep(written(tmp_path, declared(variants=VARIANTS | {"c": mean})))
    assert [run.flags[-1] for run in runs[-2:]] == [
        "--init_from=runs/s/a_seed0,runs/s/b_seed1",
        "--init_from=runs/s/a_seed2",
    ]
    assert [run.bases for run in runs[-3:]] == [
        (),
        (Path("runs/s/a_seed0"), Path("runs/s/b_seed1")),
        (Path("runs/s/a_seed2"),),
    ]


def test_runs_are_selected_by_variant_or_by_name(tmp_path):
    runs = read_sweep(written(tmp_path, declared()))
    assert select(runs, []) == runs
    assert [run.name for run in select(runs, ["b_seed1", "a"])] == ["a_seed0", "a_seed2", "b_seed1"]
    assert [run.name for run in select(runs, ["a_seed2"])] == ["a_seed2"]
    with pytest.raises(UserError, match=r"--only names a variant \(a, b\) or a run .* received 'c'"):
        select(runs, ["c"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "must be an object of about, flags, .* received list"),
        (declared(extra=1), "must be an object of"),
        (declared(flags="--a=1"), "flags must be of type list"),
        (declared(flags=["a=1"]), "a flag is written as '--name=value', received 'a=1'"),
        (declared(flags=["--seed=3"]), "--seed is given by the sweep itself"),
        (declared(keep=["../x"]), "keep must hold names of files, received '../x'"),
        (declared(variants={}), "declares no run"),
        (declared(variants={"a/b": {"seeds": [0], "flags": []}}), "a variant's name must be of letters"),
        (declared(variants={"a": {"seeds": [0]}}), "variant 'a' must be an object of seeds, flags"),
        (declared(variants={"a": {"seeds": [], "flags": []}}), "seeds must be different integers"),
        (declared(variants={"a": {"seeds": [1, 1], "flags": []}}), "seeds must be different integers"),
        (declared(variants={"a": {"seeds": [True], "flags": []}}), "seeds must be different integers"),
        (declared(variants={"a": {"seeds": [0], "flags": ["--workdir=x"]}}), "variant 'a': --workdir is given"),
        (
            declared(variants={"a": {"seeds": [0], "flags": [], "init_from": 0}}),
            "init_from must be of type str or list",
        ),
        (
            declared(variants={"a": {"seeds": [0], "flags": [], "init_from": "a"}}),
            "Received: 'a', of which there are 0",
        ),
        (declared(variants=VARIANTS | {"c": {"seeds": [0], "flags": [], "init_from": "a"}}), "as many seeds, 1"),
        (declared(variants=VARIANTS | {"c": {"seeds": [0], "flags": [], "init_from": []}}), "seeds, 1. Received: 0"),
        (
            declared(variants=VARIANTS | {"c": {"seeds": [0], "flags": [], "init_from": ["a_seed0,c_seed0"]}}),
            "must list names of runs before it. Received: 'c_seed0'",
        ),
        (
            declared(variants=VARIANTS | {"c": {"seeds": [0], "flags": [], "init_from": [[]]}}),
            r"must list names of runs before it. Received: \[\]",
        ),
    ],
)
def test_what_declares_no_sweep_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as caught:
        read_sweep(written(tmp_path, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.json")), ids=lambda path: path.stem)
def test_the_sweeps_of_this_project_are_understood(path):
    runs = read_sweep(path)
    assert len({run.name for run in runs}) == len(runs)
    assert {run.results.parent for run in runs} == {Path("results", path.stem)}
