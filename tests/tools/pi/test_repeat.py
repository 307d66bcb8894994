from pathlib import Path

import pytest

from edge.errors import UserError
from tools.pi import repeat

MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize("variant", ["dcn_int8", "fine_int8", "coarse_int8"])
def test_images_are_read_so_often(monkeypatch, variant):
    read = []

    def make_run(*arguments, **options):
        run = make(*arguments, **options)
        return lambda image: read.append(run(image).prediction)

    make = repeat.make_run
    monkeypatch.setattr(repeat, "make_run", make_run)
    arguments = [f"--bundle={MODELS / 'cluttered_mnist'}", f"--images={MODELS / 'samples'}", "--repetitions=2"]
    repeat.main([*arguments, f"--variant={variant}"])
    assert "".join(read) == "7342405373424053"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--repetitions=many", "--repetitions"),
        ("--variant=dcn_float32", "needs --float_bundle"),
        (
            "--without=patches",
            "of closed_form, changed_windows, compiled, in_place, received patches",
        ),
    ],
)
def test_wrong_arguments_are_told(option, message):
    arguments = [f"--bundle={MODELS / 'cluttered_mnist'}", f"--images={MODELS / 'samples'}", "--repetitions=1"]
    with pytest.raises(UserError, match=message):
        repeat.main([*arguments, option])
