import os

import pytest

from edge.errors import UserError
from tools.sweeps.lock import held


def test_a_second_sweep_is_told_which_process_the_first_is(tmp_path):
    folder = tmp_path / "runs" / "s"
    with held(folder):
        said = rf"^process {os.getpid()} on .* \(since 20.*\) sweeps in .*; wait for it"
        with pytest.raises(UserError, match=said) as caught, held(folder):
            pass
        assert "\n" not in str(caught.value)
    with held(folder):
        pass
    assert os.listdir(folder) == [".sweep.lock"]
