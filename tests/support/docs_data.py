"""Small data for the placeholders of documented commands: real where DCN_DATA_DIR holds it, else made."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from tiny_svhn import annotation, png, write_digit_struct

NUMBERS = 60  # images of a folder of one's own
PHOTOGRAPH = (96, 192, 3)


def mnist(folder: Path, data_dir: Path | None) -> Path:
    """Returns a folder with mnist.npz: the real one, or scikit-learn's digits in MNIST's size."""
    if data_dir and (data_dir / "mnist.npz").exists():
        return data_dir
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = [Image.fromarray((image * 15.9).astype(np.uint8)).resize((28, 28)) for image in digits.images]
    images, labels = np.stack([np.asarray(image) for image in images]), digits.target.astype(np.uint8)
    folder.mkdir(parents=True)
    np.savez(folder / "mnist.npz", x_train=images[300:], y_train=labels[300:], x_test=images[:300], y_test=labels[:300])
    return folder


def numbers(folder: Path) -> Path:
    """Returns a folder of one's own: numbers in black on white, cut out of photographs, with annotations.json."""
    folder.mkdir(parents=True)
    entries = []
    for i in range(NUMBERS):
        number = str(7 * i + 1)
        image = Image.new("RGB", (28 * len(number) + 12, 48), "white")
        ImageDraw.Draw(image).text((6, 2), number, fill="black", font_size=40)
        image.save(folder / f"{i}.png")
        split = ("train", "train", "train", "validation", "test")[i % 5]
        boxes = [{"left": 6 + 22 * j, "top": 8, "width": 20, "height": 32} for j in range(len(number))]
        place = {"frame_size": PHOTOGRAPH[1::-1], "frame_origin": [20, 20], "scale": 1, "boxes": boxes}
        label = [int(digit) for digit in number]
        entries.append({"file": f"{i}.png", "label": label, "split": split} | place)
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def classes(folder: Path, count: int = 20) -> Path:
    """Returns a folder with a folder of images for each class: a disc and a square in colour, at any place."""
    noise = np.random.default_rng(0)
    for name, draw in (("disc", ImageDraw.ImageDraw.ellipse), ("square", ImageDraw.ImageDraw.rectangle)):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            image = Image.fromarray(noise.integers(128, size=(64, 96, 3), dtype=np.uint8))
            left, top = noise.integers(64), noise.integers(32)
            draw(ImageDraw.Draw(image), (left, top, left + 31, top + 31), fill=(255, 8 * i, 0))
            image.save(folder / name / f"{i}.png")
    return folder


def svhn(folder: Path, count: int = 24) -> Path:
    """Returns a folder with SVHN's parts, unpacked: noise with labels."""
    noise = np.random.default_rng(0)
    for part in ("train", "test", "extra"):
        (folder / part).mkdir(parents=True)
        labels = [[1 + i % 9] * (1 + i % 3) for i in range(count)]
        for i in range(count):
            (folder / part / f"{i + 1}.png").write_bytes(png(noise.integers(256, size=PHOTOGRAPH, dtype=np.uint8)))
        write_digit_struct(folder / part / "digitStruct.mat", annotation(labels))
    return folder


def shorten_sweeps(folder: Path, flags: list[str]) -> None:
    """Leaves one run of every sweep in a folder, with flags that come last, and results in a place of their own."""
    for path in folder.glob("*.json"):
        sweep = json.loads(path.read_text())
        name, variant = next(iter(sweep["variants"].items()))
        sweep["variants"] = {name: variant | {"seeds": variant["seeds"][:1], "flags": variant["flags"] + flags}}
        path.write_text(json.dumps(sweep | {"results": f"results/short_{path.stem}"}))
