from pathlib import Path

import pytest

from edge.errors import UserError
from tools.pi import repeat

MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize(("options", "name"), [((), "TwoStageRunner"), (("--whole_fine",), "WholeFineRunner")])
def test_images_are_read_so_often(monkeypatch, options, name):
    read = []
    runner = getattr(repeat, name)

    class Counting(runner):
        def run(self, image):
            result = super().run(image)
            read.append(result.prediction)
            return result

    monkeypatch.setattr(repeat, name, Counting)
    arguments = [f"--bundle={MODELS / 'cluttered_mnist'}", f"--images={MODELS / 'samples'}", "--repetitions=10"]
    repeat.main([*arguments, *options])
    assert "".join(read) == "7342405373"


def test_wrong_arguments_are_told():
    with pytest.raises(UserError, match="--repetitions"):
        repeat.main(["--bundle=x", "--images=y", "--repetitions=many"])
