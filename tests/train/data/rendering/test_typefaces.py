import re
from pathlib import Path

import numpy as np
import pytest

from train.data.rendering import typefaces
from train.data.rendering.typefaces import CAPITAL, FAMILIES, TypeFace, draw_type_face, glyph, packages, type_faces
from train.errors import UserError

ROOT = Path(__file__).parents[4]


def test_no_family_belongs_to_two_splits():
    families = [family for names in FAMILIES.values() for family in names]
    assert len(families) == len(set(families)) >= 40


def test_the_train_extra_brings_exactly_these_families():
    named = re.findall(r'"(fontpkg-[a-z0-9-]+)"', (ROOT / "pyproject.toml").read_text())
    assert len(named) == len(set(named))
    assert set(named) == set(packages()) - {"numpy", "opencv-python-headless", "pillow"}


@pytest.mark.parametrize("split", FAMILIES)
def test_every_face_draws_ten_different_digits_of_one_height(split):
    for upright, *italic in type_faces(split):
        assert upright
        for face in (upright[0], upright[-1], *(faces[0] for faces in italic)):
            masks = [glyph(face, str(digit)) for digit in range(10)]
            assert len({mask.mask.tobytes() for mask in masks}) == 10, face
            tops, bottoms = [g.top for g in masks], [g.top + len(g.mask) for g in masks]
            assert 0 <= min(tops) <= 2, face
            assert abs(max(bottoms) - CAPITAL) <= 4, face


def test_a_variable_face_gets_more_ink_with_weight():
    face = next(f for upright, *_ in type_faces("train") for f in upright if f.weight is not None)
    ink = [np.asarray(glyph(TypeFace(face.file, weight), "8").mask).sum() for weight in (0.2, 0.6, 1.0)]
    assert ink == sorted(set(ink))


def test_italics_are_as_frequent_as_asked_for():
    faces = [draw_type_face(np.random.default_rng(i), "test", italic=1.0) for i in range(60)]
    assert sum("Italic" in face.file for face in faces) > 20  # not every family has them
    assert not any("Italic" in draw_type_face(np.random.default_rng(i), "test", italic=0.0).file for i in range(60))


def test_handwriting_is_rarer():
    faces = [draw_type_face(np.random.default_rng(i), "train").file for i in range(3000)]
    counts = {family: sum(f"fontpkg_{family}/" in file for file in faces) for family in FAMILIES["train"]}
    assert sum(counts.values()) == 3000
    rare = [count for family, count in counts.items() if family in typefaces.HANDWRITTEN]
    usual = [count for family, count in counts.items() if family not in typefaces.HANDWRITTEN]
    assert len(rare) == 7
    assert np.mean(usual) / np.mean(rare) == pytest.approx(3, rel=0.25)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(typefaces.FAMILIES, "missing", ("of_nobody",))
    for function in (packages, lambda: type_faces("missing")):
        with pytest.raises(UserError, match=r"fontpkg-of-nobody is missing.*; pip install"):
            function()
