import numpy as np
import pytest

from train.data.rendering import surroundings
from train.data.rendering.typefaces import draw_type_face


def test_walls_vary_around_their_brightness_and_grow_plainer_with_less_strength():
    strong = [surroundings.wall(np.random.default_rng(i), (60, 90), 30.0, 120.0) for i in range(60)]
    weak = [surroundings.wall(np.random.default_rng(i), (60, 90), 30.0, 120.0, strength=0.2) for i in range(60)]
    assert np.mean(strong) == pytest.approx(120, abs=6)
    assert np.median([wall.std() for wall in weak]) < 0.5 * np.median([wall.std() for wall in strong])
    assert all(wall.dtype == np.float32 for wall in strong)


@pytest.mark.parametrize("pattern", ["_bricks", "_boards", "_grain", "_joint", "_bars"])
def test_every_pattern_draws_something_at_every_size(pattern):
    for seed in range(20):
        for shape, height in (((20, 30), 13.0), ((90, 200), 60.0)):
            surface = np.full(shape, 100, np.float32)
            getattr(surroundings, pattern)(np.random.default_rng(seed), surface, height, 1.0)
            assert surface.std() > 0
            assert np.isfinite(surface).all()


def test_a_plate_covers_all_of_the_number_and_not_the_far_wall():
    for seed in range(40):
        surface = np.full((100, 200), 50, np.float32)
        surroundings.plate(np.random.default_rng(seed), surface, (80, 40, 120, 60), 20.0, 180.0)
        assert (surface[48:52, 85:115] == 180).all(), seed
        assert surface[0].std() == 0
        assert surface[:, 0].std() == 0


@pytest.mark.parametrize(("left", "top"), [(-200, 5), (-8, -9), (10, 5), (55, 30), (500, 5), (10, 400)])
def test_letters_may_hang_over_every_border(left, top):
    rng = np.random.default_rng(0)
    surface = np.full((40, 60), 50, np.float32)
    face = draw_type_face(rng, "train")
    width = surroundings.letter(rng, surface, face, left, top, 20.0, 200.0, "H")
    assert width > 0
    visible = left < 60 and top < 40 and left > -width
    assert (surface.max() > 100) == visible
