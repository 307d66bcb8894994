import json

import finished_runs
import numpy as np
import pytest
from pages import Page

from edge.errors import UserError, run_main
from tools import report


def changed_result(workdir, change):
    path = workdir / "result.json"
    result = json.loads(path.read_text())
    change(result)
    path.write_text(json.dumps(result))


@pytest.fixture
def workdir(classifier, tmp_path):
    return finished_runs.finish(tmp_path / "run", classifier)


def test_a_page_is_written_into_the_workdir_and_the_same_one_each_time(workdir, capsys):
    report.main([str(workdir)])
    first = (workdir / "report.html").read_bytes()
    report.main([str(workdir), f"--out={workdir / 'pages' / 'again.html'}"])
    assert (workdir / "pages" / "again.html").read_bytes() == first
    assert capsys.readouterr().out.splitlines()[-1] == f"written: {workdir / 'pages' / 'again.html'}"
    assert [path.name for path in (workdir / "pages").iterdir()] == ["again.html"]
    assert Page(first.decode()).unclosed == []


@pytest.mark.parametrize("name", ["result.json", "model.keras"])
def test_an_unfinished_training_is_told_in_one_line(workdir, name, capsys):
    (workdir / name).unlink()
    with pytest.raises(SystemExit, match="2"):
        run_main(report.main, [str(workdir)])
    said = capsys.readouterr().err
    assert said.startswith(f"error: {workdir} has no {name}; finish the training first")
    assert len(said.splitlines()) == 1
    assert not (workdir / "report.html").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda result: result.pop("error"), "its error is missing"),
        (lambda result: result.update(steps="many"), "its steps is missing or of another kind"),
        (lambda result: result["config"].update(model="both"), "its model"),
        (lambda result: result["config"].pop("batch_size"), "its batch_size"),
        (lambda result: result.update(config=[]), "is not what a training writes"),
        (lambda result: result["error"].update(fine=None), "its figure of fine, test,"),
        (lambda result: result["error"].update(fine=float("nan")), "its figure of fine, test,"),
        (lambda result: result["multiplications"]["dcn"].pop("2"), "its figure of DCN, 2 patches, test,"),
        (lambda result: result.update(test_images=0), "its test_images of test"),
        (lambda result: result.update(more_tests={"crops": {}}), "is not what a training writes"),
        (lambda result: result.update(validation_error={"fine": "low"}), "its validation error of fine"),
    ],
)
def test_a_result_of_another_kind_is_told(workdir, change, told):
    changed_result(workdir, change)
    with pytest.raises(UserError, match=f"result.json .*{told}.*run the training's command again"):
        report.main([str(workdir)])


@pytest.mark.parametrize(
    "content", ["step,value\n50,1\n", "step,name,value\n50,train/loss,low\n", "step,name,value\n1,a,nan\n"]
)
def test_damaged_curves_are_told(workdir, content):
    (workdir / "curves.csv").write_text(content)
    with pytest.raises(UserError, match=r"curves\.csv cannot be read: .*; restore it, or remove it"):
        report.main([str(workdir)])


def test_damaged_samples_are_told(workdir):
    np.savez(workdir / "samples" / "test.npz", images=np.zeros(3))
    with pytest.raises(UserError, match=r"test\.npz cannot be read"):
        report.main([str(workdir)])


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--workdir=a"]])
def test_wrong_arguments_are_told(arguments):
    with pytest.raises(UserError, match="see python -m tools.report --help"):
        report.main(arguments)


def test_a_page_takes_no_other_files_place(tmp_path):
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(UserError, match=r"--out=.* is the file of WORKDIR, result.json"):
        report.main([str(tmp_path), f"--out={tmp_path / 'result.json'}"])


def test_a_page_that_cannot_be_written_is_told_before_the_work(tmp_path):
    with pytest.raises(UserError, match="--out=.* is a folder, or lies below a file; name another file"):
        report.main([str(tmp_path / "none"), f"--out={tmp_path}"])
    with pytest.raises(UserError, match="no such workdir: .*none; name the --workdir of a training"):
        report.main([str(tmp_path / "none")])
