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


@pytest.mark.parametrize(("left", "top"), [(-300, 5), (-8, -9), (10, 5), (55, 30), (500, 5), (10, 400)])
def test_words_may_hang_over_every_border(left, top):
    rng = np.random.default_rng(0)
    surface = np.full((40, 60), 50, np.float32)
    surroundings.write(rng, surface, draw_type_face(rng, "train"), (left, top), 20.0, 200.0, "H", count=3)
    visible = left < 60 and top < 40 and left > -100
    assert (surface.max() > 100) == visible


def test_a_word_is_as_high_as_asked_for_and_as_long_as_its_letters():
    face = draw_type_face(np.random.default_rng(1), "train", italic=0)
    widths = []
    for count in (1, 4):
        surface = np.zeros((80, 400), np.float32)
        surroundings.write(np.random.default_rng(0), surface, face, (20, 20), 30.0, 255.0, "0", count)
        rows, columns = np.flatnonzero(surface.max(1) > 100), np.flatnonzero(surface.max(0) > 100)
        assert rows[0] == pytest.approx(20, abs=2)
        assert np.ptp(rows) == pytest.approx(30, abs=3)
        assert columns[0] == pytest.approx(20, abs=2)
        widths.append(np.ptp(columns))
    assert widths[1] == pytest.approx(4 * widths[0] + 9, abs=4)


def test_a_facade_leaves_free_what_is_to_be_kept():
    keep, changed = (60, 30, 110, 60), []
    for seed in range(40):
        surface = np.full((90, 170), 100, np.float32)
        rng = np.random.default_rng(seed)
        surroundings.facade(rng, surface, 16.0, lambda rng=rng: draw_type_face(rng, "train"), keep)
        assert (surface[30:60, 60:110] == 100).all(), seed
        changed.append((surface != 100).mean())
    assert np.mean(changed) > 0.1


def test_bricks_have_joints_in_every_course_and_halfway_between_those_of_the_next():
    for seed in range(20):
        surface = np.zeros((80, 240), np.float32)
        surroundings._bricks(np.random.default_rng(seed), surface, 40.0, 1.0)
        assert np.isfinite(surface).all()
        inside = [row for row in surface if len(np.unique(row)) > 2]
        assert len(inside) > 40
