import pytest

from edge.errors import UserError
from edge.serving.region import Region, load_region, save_region


def test_a_region_is_in_parts_of_any_frame():
    region = Region(0.25, 0.1, 0.75, 0.9)
    assert region.in_pixels((200, 100)) == (50, 10, 150, 90)
    assert Region().in_pixels((3, 2)) == (0, 0, 3, 2)


def test_the_least_size_stays_within_the_frame():
    assert Region(0.99, 0.0, 1.0, 0.001).in_pixels((100, 100)) == (92, 0, 100, 8)
    assert Region(0.999, 0.2, 1.0, 0.3).in_pixels((5, 100)) == (0, 20, 5, 30)


def test_a_file_keeps_it(tmp_path):
    path = tmp_path / "region.json"
    assert load_region(path) == Region()
    save_region(path, Region(0.1, 0.2, 0.3, 0.4))
    assert load_region(path) == Region(0.1, 0.2, 0.3, 0.4)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text", ["", "{}", "[0, 0, 1]", "[0, 0, 1, true]", "[0.5, 0, 0.5, 1]", "[0, 0, 2, 1]", "[" * 9999]
)
def test_a_damaged_file_is_told(tmp_path, text):
    (tmp_path / "region.json").write_text(text)
    with pytest.raises(UserError, match="holds no region: .*; delete the file"):
        load_region(tmp_path / "region.json")
