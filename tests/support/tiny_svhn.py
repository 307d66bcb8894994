"""A small SVHN: photographs of noise with a digitStruct.mat like MATLAB's, in folders or in archives."""

import hashlib
import io
import tarfile

import h5py
import numpy as np
from PIL import Image

from train.data.svhn_format1.digit_struct import FIELDS, DigitStruct
from train.data.svhn_format1.sources import Archive


def annotation(labels, boxes=None):
    """Returns a DigitStruct of numbers, which are lists of digits; each digit is 6 x 10 pixels, from (5, 4) on."""
    counts = np.array([len(label) for label in labels])
    if boxes is None:
        boxes = [[5 + 7 * i, 4, 11 + 7 * i, 14] for label in labels for i in range(len(label))]
    digits = np.array([digit for label in labels for digit in label], np.uint8)
    return DigitStruct([f"{i + 1}.png" for i in range(len(labels))], counts, digits, np.array(boxes, np.float32))


def write_digit_struct(path, annotation, **options):
    """Writes a digitStruct.mat with the objects of a genuine one; `options` are those of h5py.File."""
    with h5py.File(path, "w", **options) as file:
        objects = file.create_group("#refs#")
        names, boxes = [], []
        for i, (name, digits, corners) in enumerate(annotation):
            names.append(
                objects.create_dataset(f"name{i}", data=np.frombuffer(name.encode("utf-16-le"), "<u2")[:, None])
            )
            boxes.append(objects.create_group(f"box{i}"))
            left, top, right, bottom = corners.astype(float).T
            values = {"height": bottom - top, "left": left, "top": top, "width": right - left}
            values["label"] = np.where(digits == 0, 10, digits).astype(float)
            for field in FIELDS:
                column = values[field][:, None]
                if len(column) > 1:
                    parts = [objects.create_dataset(f"{field}{i}_{j}", data=[value]) for j, value in enumerate(column)]
                    column = references(parts)
                boxes[-1].create_dataset(field, data=column)
        file["digitStruct/name"], file["digitStruct/bbox"] = references(names), references(boxes)


def references(objects):
    """Returns [n, 1] references to HDF5 objects."""
    return np.array([each.ref for each in objects], h5py.ref_dtype)[:, None]


def photograph(index):
    """Returns a colour photograph, uint8 [H, W, 3], of a size of its own."""
    return np.random.default_rng(index).integers(256, size=(20 + index, 64, 3), dtype=np.uint8)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_folder(folder, labels):
    """Writes an unpacked split."""
    folder.mkdir(parents=True)
    for i in range(len(labels)):
        (folder / f"{i + 1}.png").write_bytes(png(photograph(i)))
    write_digit_struct(folder / "digitStruct.mat", annotation(labels))
    return folder


def packed(folder):
    """Returns the bytes of a .tar.gz of a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(folder, folder.name)
    return buffer.getvalue()


def published(data):
    """Returns what is known of an archive that holds `data`."""
    return Archive(len(data), hashlib.sha256(data).hexdigest())
