import dataclasses

import pytest

from train.data.dataset import WITHOUT_NUMBER
from train.evaluation.extent import extent_of


def test_all_of_every_split_is_read(config):
    run = config(eval="full", eval_scales=(1.0, 0.5), selectors=("random",))
    extent = extent_of(run)
    assert (extent.scales, extent.selectors, extent.images) == ((1.0, 0.5), ("random",), None)
    assert extent.of(WITHOUT_NUMBER) is extent
    assert extent.of("test").fine_pixels is None


@pytest.mark.parametrize("model", ["dcn", "coarse", "fine"])
def test_a_quick_evaluation_spares_the_fine_model_images_of_nothing(config, model):
    extent = extent_of(config(eval="quick", eval_scales=(1.0, 0.5), selectors=("random",), model=model))
    assert (extent.scales, extent.selectors, extent.images) == ((1.0,), (), 500)
    assert extent.of("test") is extent.of("crops") is extent
    for name in (WITHOUT_NUMBER, f"street_numbers {WITHOUT_NUMBER}"):
        spared = model != "fine"
        assert extent.of(name) == (dataclasses.replace(extent, fine_pixels=0) if spared else extent)
