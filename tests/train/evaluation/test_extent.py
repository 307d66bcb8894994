import dataclasses

import numpy as np
import pytest

from train.data.dataset import Split
from train.evaluation.extent import extent_of


def blank(count: int, side: int) -> Split:
    return Split(np.zeros((count, side, side, 1), np.uint8), np.zeros((count, 1), np.int32))


def test_all_of_every_split_is_read(config):
    run = config(eval="full", eval_scales=(1.0, 0.5), selectors=("random",))
    extent = extent_of(run)
    assert (extent.scales, extent.selectors, extent.images) == ((1.0, 0.5), ("random",), None)
    assert extent.of(blank(60, 400)) is extent
    assert extent.fine_pixels is None


@pytest.mark.parametrize("model", ["dcn", "coarse", "fine"])
def test_a_quick_evaluation_spares_the_fine_model_splits_of_which_it_could_read_little(config, model):
    """3 million pixels are 60 images of 223 x 223, and 18 of 400 x 400."""
    extent = extent_of(config(eval="quick", eval_scales=(1.0, 0.5), selectors=("random",), model=model))
    assert (extent.scales, extent.selectors, extent.images) == ((1.0,), (), 500)
    assert extent.of(blank(70, 223)) is extent.of(blank(12, 400)) is extent
    spared = model != "fine"
    assert extent.of(blank(60, 400)) == (dataclasses.replace(extent, fine_pixels=0) if spared else extent)
