import zipfile

import numpy as np

from train.data.listing import listed
from train.data.rendering.shapes import NAMES, render_set, render_shape
from train.data.write_images import write_shapes


def test_a_shape_depends_on_its_number_alone():
    one, more = list(render_set(3)), list(render_set(14))
    assert [name for name, _ in more[:13]] == [*NAMES, NAMES[0]]
    for (_, image), (_, again) in zip(one, more):
        np.testing.assert_array_equal(image, again)
    assert one[0][1].shape == (64, 96, 3)
    assert one[0][1].dtype == np.uint8


def test_every_kind_is_seen_on_its_ground():
    for name in NAMES:
        image = render_shape(name, np.random.default_rng(5)).astype(int)
        assert np.abs(image - np.median(image, axis=(0, 1))).max() > 60


def test_a_zip_holds_a_folder_for_each_class(tmp_path):
    write_shapes(tmp_path / "shapes.zip", 13)
    with zipfile.ZipFile(tmp_path / "shapes.zip") as archive:
        assert archive.namelist()[:2] == ["shapes/arrow/00000.png", "shapes/circle/00001.png"]
    entries = listed(tmp_path / "shapes.zip", None)
    assert {entry["label"] for entry in entries} == set(NAMES)
    write_shapes(tmp_path / "unpacked", 13)
    assert [entry["label"] for entry in listed(tmp_path / "unpacked", None)] == [entry["label"] for entry in entries]
