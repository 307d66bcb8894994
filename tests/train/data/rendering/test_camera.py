import numpy as np

from train.data.rendering import camera


def test_boxes_move_with_what_they_frame():
    surface = np.zeros((80, 120), np.float32)
    surface[30:50, 40:70] = 255
    for seed in range(20):
        matrix = camera.view(np.random.default_rng(seed), (60, 40))
        (left, top, right, bottom) = camera.seen_boxes(matrix, np.array([[40.0, 30.0, 70.0, 50.0]]))[0]
        rows, columns = np.nonzero(camera.warp(surface, matrix, (80, 120)) > 127)
        seen = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        np.testing.assert_allclose(seen, (left, top, right, bottom), atol=1.6)


def test_a_view_leaves_its_centre_where_it_is():
    for seed in range(10):
        x, y, w = camera.view(np.random.default_rng(seed), (31.0, 17.0)) @ (31, 17, 1)
        np.testing.assert_allclose((x / w, y / w), (31, 17))


def test_an_identity_shows_the_surface():
    surface = np.random.default_rng(0).integers(256, size=(20, 30)).astype(np.float32)
    np.testing.assert_array_equal(camera.warp(surface, np.eye(3), (20, 30)), surface)


def test_a_photograph_is_softer_and_keeps_size_and_in_even_light_brightness(monkeypatch):
    monkeypatch.setattr(camera, "lit", lambda rng, surface: surface)
    before = np.tile(np.repeat(np.array([60, 180], np.float32), 4), (32, 8))
    for seed in range(40):
        after = camera.photograph(np.random.default_rng(seed), before, 30.0)
        assert after.shape == before.shape
        assert after.dtype == np.uint8
        assert abs(after.mean() - before.mean()) < 6
        assert (after != before).any()


def test_light_is_uneven_but_never_negative():
    flat = np.full((30, 60), 100, np.float32)
    scenes = [camera.lit(np.random.default_rng(seed), flat) for seed in range(60)]
    assert all(scene.dtype == np.float32 and (scene >= 0).all() and scene.std() > 0 for scene in scenes)
    assert 85 < np.mean(scenes) < 105


def test_beyond_its_border_a_surface_is_mirrored():
    surface = np.arange(12, dtype=np.float32).reshape(3, 4)
    moved = camera.warp(surface, camera.translation(2, 1), (3, 4))
    assert moved.tolist() == [[1, 0, 0, 1], [1, 0, 0, 1], [5, 4, 4, 5]]


def test_a_surface_goes_on_as_its_mirror_image():
    surface = np.arange(12, dtype=np.float32).reshape(3, 4) * 20
    seen = camera.warp(surface, camera.translation(3, 2), (8, 11))
    expected = np.pad(surface, ((2, 3), (3, 4)), mode="symmetric")
    np.testing.assert_array_equal(seen, expected)


def test_a_stored_picture_loses_more_at_lower_quality():
    picture = np.random.default_rng(0).integers(256, size=(40, 60)).astype(np.uint8)
    losses = [np.abs(camera.stored(picture, q).astype(float) - picture).mean() for q in (95, 60, 20)]
    assert losses == sorted(losses)
    assert losses[0] < 3 < losses[2]


def test_values_become_bytes_by_rounding_and_cutting_off():
    assert camera.as_bytes(np.array([[-3, 0.4, 1.6, 254.7, 300]], np.float32)).tolist() == [[0, 0, 2, 255, 255]]
