"""Whatever a data set holds, what is wrong with it is one line."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import changed, damaged, in_one_line
from PIL import Image

from train.data.annotations import ANNOTATIONS, annotations, contradictions
from train.data.digits import IDX_FILES, load_mnist
from train.data.images import read_image
from train.errors import UserError

ENTRIES = [
    {"file": f"{i}.png", "label": [210, "21", [2, 1], "door"][i], "split": ["train", "test", "validation", None][i]}
    | ({"boxes": [{"left": 0, "top": 1.5, "width": 3, "height": 4}], "scale": 1.5, "frame_size": [9, 9]} if i else {})
    for i in range(4)
]


def pictures() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(256, size=(7, 9), dtype=np.uint8), rng.integers(256, size=(7, 9, 4), dtype=np.uint8)
    made = {
        "png": (Image.fromarray(colour), "PNG", {}),
        "grey.png": (Image.fromarray(grey), "PNG", {}),
        "png16": (Image.fromarray(grey.astype(np.uint16) * 257), "PNG", {}),
        "palette": (Image.fromarray(colour[..., :3]).quantize(8), "PNG", {"transparency": 3}),
        "jpeg": (Image.fromarray(colour[..., :3]), "JPEG", {"exif": _turned()}),
        "gif": (Image.fromarray(grey), "GIF", {}),
        "bmp": (Image.fromarray(grey), "BMP", {}),
        "tiff": (Image.fromarray(grey.astype(np.float32)), "TIFF", {}),
        "lzw": (Image.fromarray(colour), "TIFF", {"compression": "tiff_lzw"}),
        "webp": (Image.fromarray(colour), "WEBP", {}),
        "pgm": (Image.fromarray(grey), "PPM", {}),
    }
    files = {}
    for name, (image, kind, options) in made.items():
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        files[name] = buffer.getvalue()
    return files


def _turned():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a maker"
    return exif


PICTURES = pictures()


def archive(method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr(ANNOTATIONS, json.dumps(ENTRIES))
        for entry in ENTRIES:
            made.writestr(entry["file"], PICTURES["grey.png"])
    return buffer.getvalue()


ARCHIVES = [
    archive(method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", PICTURES)
@given(data=st.data())
def test_images(name, data):
    file = data.draw(damaged(PICTURES[name]))
    channels = data.draw(st.sampled_from([1, 3]))
    image = in_one_line(lambda: read_image(lambda _: file, "a.png", channels), UserError)
    assert image is None or image.mode == ("L" if channels == 1 else "RGB")


@given(data=st.data())
def test_zips(place, data):
    path = place / "data.zip"
    path.write_bytes(data.draw(damaged(data.draw(st.sampled_from(ARCHIVES)))))
    found = in_one_line(lambda: annotations(path), UserError)
    if found:
        read, entries = found
        for entry in entries:
            in_one_line(lambda entry=entry: read_image(read, entry["file"], 1), UserError)


@given(content=changed(ENTRIES), sequences=st.booleans())
def test_annotations_with_odd_values(place, content, sequences):
    (place / ANNOTATIONS).write_text(json.dumps(content))
    found = in_one_line(lambda: annotations(place, sequences), UserError)
    if found:
        _, entries = found
        assert {entry["split"] for entry in entries} <= {"train", "validation", "test"}
        assert all(isinstance(entry["label"], list) and entry["label"] for entry in entries)
        assert set(contradictions(entries)) <= {entry["file"] for entry in entries}


@given(content=damaged(json.dumps(ENTRIES).encode()))
def test_annotations_with_damage(place, content):
    (place / ANNOTATIONS).write_bytes(content)
    in_one_line(lambda: annotations(place), UserError)


@given(data=st.data())
def test_mnist_npz(place, data):
    folder = place / "npz"
    folder.mkdir(exist_ok=True)
    (folder / "mnist.npz").write_bytes(data.draw(damaged(data.draw(st.sampled_from(NPZ)))))
    in_one_line(lambda: load_mnist(str(folder)), UserError)


@given(data=st.data())
def test_mnist_idx(place, data):
    folder = place / "idx"
    folder.mkdir(exist_ok=True)
    files = dict(IDX)
    name = data.draw(st.sampled_from(sorted(files)))
    files[name] = data.draw(damaged(files[name]))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    in_one_line(lambda: load_mnist(str(folder)), UserError)


def _mnist():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(256, size=(10, 28, 28), dtype=np.uint8), rng.integers(10, size=10, dtype=np.uint8)
    return {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}


def _npz(save) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **_mnist())
    return buffer.getvalue()


def _idx(array) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


NPZ = [_npz(np.savez), _npz(np.savez_compressed)]
IDX = {IDX_FILES[key]: _idx(array) for key, array in _mnist().items()}
