from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from edge import output
from edge.bundle.manifest import Cells, Input, Patch
from edge.errors import UserError, WorkError
from edge.network.result import Result
from edge.network.runner import TwoStageRunner
from edge.sight.images import Fit, model_pixels
from edge.sight.overlay import PATCH_COLOUR, OverlayFolder, draw, patch_boxes


def test_boxes_are_the_patches_in_the_images_own_pixels(classifier_case):
    manifest = classifier_case.float32.manifest
    result = TwoStageRunner(classifier_case.float32).run(classifier_case.images[0])
    boxes = patch_boxes(result, manifest, Fit((56, 84), (28, 28), "stretch"))  # twice as high, three times as wide
    for (row, column), (left, top, right, bottom) in zip(classifier_case.expected["patch_starts"][0], boxes):
        assert (left, top, right, bottom) == (3 * column, 2 * row, 3 * (column + 10) - 1, 2 * (row + 10) - 1)


RESULT = Result("7", 0.5, 2, None, (7,), saliency=np.zeros((4, 4)), cells=np.array([[0, 0], [2, 3]]))
CELLS, PATCH = Cells((4, 4), stride=(4, 8), offset=(0, 0), field=(8, 8)), Patch((8, 8), origin=(0, 4))


def manifest_with(rule):
    return SimpleNamespace(input=Input((20, 40), 1, "L", 1 / 255, rule), cells=CELLS, patch=PATCH, levels=None)


MANIFEST = manifest_with("stretch")


@pytest.mark.parametrize(
    ("rule", "image_size", "boxes"),
    [
        # size 20 x 40 in the input; patches begin at (0, 4) and (8, 28), and are 8 x 8
        ("stretch", (20, 40), [(4, 0, 11, 7), (28, 8, 35, 15)]),
        ("stretch", (200, 80), [(8, 0, 23, 79), (56, 80, 71, 159)]),
        ("fit", (40, 80), [(8, 0, 23, 15), (56, 16, 71, 31)]),
        # 20 x 20 lies in columns 10 to 29 of the input
        ("fit", (200, 200), [(-60, 0, 19, 79), (180, 80, 259, 159)]),
        # 40 x 40 of a quarter the size: 10 x 40 lies in rows 5 to 14
        ("fit", (40, 160), [(16, -20, 47, 11), (112, 12, 143, 43)]),
        ("pad", (40, 160), [(16, -20, 47, 11), (112, 12, 143, 43)]),
        # 10 x 20 as it is, in rows 5 to 14 and columns 10 to 29
        ("pad", (10, 20), [(-6, -5, 1, 2), (18, 3, 25, 10)]),
    ],
)
def test_boxes_by_every_rule(rule, image_size, boxes):
    manifest = manifest_with(rule)
    assert patch_boxes(RESULT, manifest, Fit(image_size, (20, 40), rule)) == boxes


@pytest.mark.parametrize("rule", ["stretch", "fit"])
def test_a_bright_patch_of_the_model_is_boxed_where_it_is_in_the_image(rule):
    """What is white in the image's box is what is white in the input's patch."""
    manifest = manifest_with(rule)
    fit = Fit((300, 400), (20, 40), rule)
    (left, top, right, bottom) = patch_boxes(RESULT, manifest, fit)[1]
    photograph = np.zeros((300, 400), np.uint8)
    photograph[top : bottom + 1, left : right + 1] = 255
    seen = model_pixels(Image.fromarray(photograph), manifest.input)[..., 0]
    expected = np.zeros((20, 40), bool)
    expected[8:16, 28:36] = True
    rows, columns = (slice(first, first + count) for first, count in zip(fit.offset, fit.size))
    np.testing.assert_array_equal(seen[rows, columns] > 127, expected[rows, columns])


def test_the_picture_is_in_the_images_own_pixels_and_the_reading_below_it():
    picture = np.asarray(draw(Image.new("L", (400, 300), 50), RESULT, MANIFEST))
    assert picture.shape[1] == 400
    assert 320 < picture.shape[0] < 360
    boxed = (picture == PATCH_COLOUR).all(-1)
    expected = np.zeros((300, 400), bool)
    for left, top, right, bottom in ((40, 0, 119, 119), (280, 120, 359, 239)):
        expected[top : bottom + 1, left : right + 1] = True
        expected[top + 2 : bottom - 1, left + 2 : right - 1] = False  # lines of 300 // 150 pixels
    np.testing.assert_array_equal(boxed[:300], expected)
    np.testing.assert_array_equal(picture[:300][~expected], 50)
    assert picture[300:].max() > 200


@pytest.mark.parametrize(
    ("size", "drawn"), [((1, 1), (200, 200)), ((40, 20), (200, 100)), ((3, 150), (6, 300)), ((199, 10), (398, 20))]
)
def test_tiny_pictures_are_enlarged(size, drawn):
    picture = draw(Image.new("L", size, 50), replace(RESULT, cells=None), MANIFEST)
    assert picture.width >= drawn[0]
    pixels = np.asarray(picture)
    assert (pixels[: drawn[1], : drawn[0]] == 50).all()
    assert (pixels[: drawn[1], drawn[0] :] == 0).all()


def test_heat_lies_around_the_cells_that_have_it():
    saliency = np.zeros((4, 4))
    saliency[1, 2] = 1
    picture = np.asarray(draw(Image.new("L", (400, 200)), replace(RESULT, saliency=saliency, cells=None), MANIFEST))
    row, column = np.unravel_index(picture[:200].sum(axis=-1).argmax(), (200, 400))
    # the centre of the field of cell (1, 2): input (4 + 4, 16 + 4), ten times as large here
    assert abs(row - 80) <= 2
    assert abs(column - 200) <= 2
    assert picture[:200, :40].max() == 0


def test_a_huge_thin_picture_takes_no_more_than_its_own_memory():
    manifest = manifest_with("fit")
    assert draw(Image.new("L", (60000, 1)), replace(RESULT, saliency=np.ones((4, 4))), manifest).width == 60000


def test_without_patches_there_is_no_box(classifier_case):
    runner = TwoStageRunner(classifier_case.float32)
    result = runner.run(classifier_case.images[0], exit_entropy=1e9)
    picture = draw(Image.new("L", (60, 60)), result, runner.manifest)
    assert not (np.asarray(picture) == PATCH_COLOUR).all(-1).any()


def test_images_of_one_name_do_not_overwrite_each_other(tmp_path):
    folder = OverlayFolder(tmp_path / "new" / "folder")
    picture = Image.new("RGB", (4, 4))
    names = [folder.save(picture, tmp_path / name).name for name in ("a/1.png", "b/1.jpg", "2.png")]
    assert names == ["1.png", "1-2.png", "2.png"]
    assert sorted(path.name for path in folder.directory.iterdir()) == sorted(names)


def test_a_folder_that_cannot_be_made_and_a_file_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--overlay: .* cannot be made"):
        OverlayFolder(tmp_path / "file" / "folder")
    folder = OverlayFolder(tmp_path / "folder")
    folder.directory.rmdir()
    with pytest.raises(WorkError, match="--overlay: .*1.png cannot be written"):
        folder.save(Image.new("RGB", (4, 4)), tmp_path / "1.png")


@pytest.mark.parametrize("named", ["1.png", "", "*.png"])
def test_an_image_is_never_overwritten_by_its_overlay(named, tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "1.png")
    folder = OverlayFolder(tmp_path / "sub" / "..", keep=1)
    with pytest.raises(UserError, match=r"--overlay: .*1\.png lies in .* could be overwritten; name another folder"):
        folder.check_apart([tmp_path / named, "-"])
    with pytest.raises(UserError, match="could be overwritten"):  # one that standard input names
        folder.save(Image.new("RGB", (8, 8)), tmp_path / "1.png")
    with Image.open(tmp_path / "1.png") as image:
        assert image.size == (4, 4)


def test_photographs_may_lie_beside_their_overlays(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "1.jpg")
    folder = OverlayFolder(tmp_path)
    folder.check_apart([tmp_path])
    assert folder.save(Image.new("RGB", (8, 8)), tmp_path / "1.jpg") == tmp_path / "1.png"


def test_the_longest_name_has_an_overlay(tmp_path):
    path = Path("x" * 251 + ".jpg")
    assert OverlayFolder(tmp_path).save(Image.new("RGB", (8, 8)), path).name == "x" * 251 + ".png"


def test_the_last_pictures_are_kept(tmp_path):
    (tmp_path / "of_another_run.png").touch()
    folder = OverlayFolder(tmp_path, keep=3)
    for number in range(1, 9):
        folder.save(Image.new("RGB", (2, 2)), Path(f"camera/{number}"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["6.png", "7.png", "8.png", "of_another_run.png"]
    assert len(folder._written) == 3


def test_a_full_disk_is_told_with_what_is_missing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    folder = OverlayFolder(tmp_path)
    monkeypatch.setattr(output.os, "fsync", full)
    with pytest.raises(WorkError, match=r"1.png cannot be written: the disk is full, \d+ kB are needed"):
        folder.save(Image.new("RGB", (4, 4)), Path("1.jpg"))
    assert not list(tmp_path.iterdir())
