import pytest
from PIL import Image

from edge.errors import UserError, WorkError
from edge.sight.camera import open_camera
from edge.sight.image_camera import ImageCamera


def grey(path, value):
    Image.new("L", (4, 4), value).save(path)


def test_a_folder_is_given_in_turn_and_looked_through_again(tmp_path):
    grey(tmp_path / "2.png", 20)
    grey(tmp_path / "10.png", 100)
    camera = open_camera(f"images:{tmp_path}")
    assert isinstance(camera, ImageCamera)
    assert [camera.capture().getpixel((0, 0)) for _ in range(3)] == [20, 100, 20]
    grey(tmp_path / "11.png", 110)
    assert [camera.capture().getpixel((0, 0)) for _ in range(4)] == [100, 20, 100, 110]
    camera.close()


def test_what_is_still_being_written_is_passed_over(tmp_path):
    grey(tmp_path / "1.png", 10)
    grey(tmp_path / "3.png", 30)
    whole = (tmp_path / "3.png").read_bytes()
    (tmp_path / "2.png").write_bytes(whole[:40])
    camera = ImageCamera(str(tmp_path))
    assert [camera.capture().getpixel((0, 0)) for _ in range(3)] == [10, 30, 10]
    (tmp_path / "2.png").write_bytes(whole)
    assert [camera.capture().getpixel((0, 0)) for _ in range(3)] == [30, 30, 10]
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(WorkError, match=r"gives no more frames: .*\.png cannot be read as an image"):
        camera.capture()


def test_a_folder_may_go_away_and_come_back(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    grey(folder / "1.png", 7)
    camera = ImageCamera(str(folder))
    camera.capture()
    folder.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(WorkError, match="gives no more frames"):
            camera.capture()
    (tmp_path / "away").rename(folder)
    assert camera.capture().getpixel((0, 0)) == 7


@pytest.mark.parametrize("name", ["missing.png", "missing*.png", ""])
def test_no_image_at_the_beginning_is_told(tmp_path, name):
    with pytest.raises(UserError, match="name a|check the"):
        ImageCamera(str(tmp_path / name))


def test_standard_input_is_no_camera():
    with pytest.raises(UserError, match="--camera=images:- would read paths from standard input; name an image"):
        open_camera("images:-")
