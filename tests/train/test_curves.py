import pytest

from train.curves import Curves
from train.errors import UserError


def test_every_figure_has_a_line(tmp_path):
    curves = Curves(tmp_path / "curves.csv", 0)
    curves.add(50, {"train/loss": 1.25, "train/loss/hint": 1 / 3})
    curves.add(100, {"validation_error/dcn/8": 12.0})
    assert (tmp_path / "curves.csv").read_text() == (
        "step,name,value\n50,train/loss,1.25\n50,train/loss/hint,0.333333\n100,validation_error/dcn/8,12\n"
    )


def test_a_resumed_run_makes_the_steps_after_its_checkpoint_again(tmp_path):
    before = Curves(tmp_path / "curves.csv", 0)
    for step in (50, 100, 150):
        before.add(step, {"train/loss": step / 100})
    Curves(tmp_path / "curves.csv", 100).add(150, {"train/loss": 9.0})
    lines = (tmp_path / "curves.csv").read_text().splitlines()
    assert lines[1:] == ["50,train/loss,0.5", "100,train/loss,1", "150,train/loss,9"]


def test_a_run_from_the_start_forgets_what_was_there(tmp_path):
    Curves(tmp_path / "curves.csv", 0).add(50, {"train/loss": 1.0})
    Curves(tmp_path / "curves.csv", 0).add(25, {"train/loss": 2.0})
    assert (tmp_path / "curves.csv").read_text().splitlines()[1:] == ["25,train/loss,2"]


@pytest.mark.parametrize("text", ["step,name,value\n\n", "step;name;value\n50;a;1\n", "step,name,value\n1e400,a,1\n"])
def test_a_damaged_file_is_told(tmp_path, text):
    (tmp_path / "curves.csv").write_text(text)
    with pytest.raises(UserError, match=r"curves.csv is damaged \(.*\); restore it, or remove it"):
        Curves(tmp_path / "curves.csv", 100)
