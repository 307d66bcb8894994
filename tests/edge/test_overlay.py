import numpy as np
from PIL import Image

from edge.images import Fit
from edge.overlay import BOX_COLOUR, OverlayFolder, draw, patch_boxes
from edge.runner import TwoStageRunner


def test_boxes_are_the_patches_in_the_images_own_pixels(classifier_case):
    manifest = classifier_case.float32.manifest
    result = TwoStageRunner(classifier_case.float32).run(classifier_case.images[0])
    boxes = patch_boxes(result, manifest, Fit((56, 84), (28, 28), "stretch"))  # twice as high, three times as wide
    grid = classifier_case.network.patch_grid
    for cell, (left, top, right, bottom) in zip(result.cells, boxes):
        row, column = grid.start(cell)
        assert (left, top, right, bottom) == (3 * column, 2 * row, 3 * (column + 10) - 1, 2 * (row + 10) - 1)


def test_the_picture_has_the_images_size_and_shows_boxes(classifier_case):
    runner = TwoStageRunner(classifier_case.float32)
    picture = draw(Image.new("L", (200, 150)), runner.run(classifier_case.images[0]), runner.manifest)
    assert picture.size == (200, 150)
    assert (np.asarray(picture) == BOX_COLOUR).all(-1).any()


def test_without_patches_there_is_no_box(classifier_case):
    runner = TwoStageRunner(classifier_case.float32)
    result = runner.run(classifier_case.images[0], exit_entropy=1e9)
    picture = draw(Image.new("L", (60, 60)), result, runner.manifest)
    assert not (np.asarray(picture) == BOX_COLOUR).all(-1).any()


def test_images_of_one_name_do_not_overwrite_each_other(tmp_path):
    folder = OverlayFolder(tmp_path / "new" / "folder")
    picture = Image.new("RGB", (4, 4))
    names = [folder.save(picture, tmp_path / name).name for name in ("a/1.png", "b/1.jpg", "2.png")]
    assert names == ["1.png", "1-2.png", "2.png"]
    assert sorted(path.name for path in folder.directory.iterdir()) == sorted(names)
