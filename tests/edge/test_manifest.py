import copy

import pytest

from edge.errors import UserError
from edge.manifest import ListOf, check, check_manifest


@pytest.fixture
def manifest(case):
    return copy.deepcopy(case.float32.manifest)


def test_a_manifest_of_this_project_is_right(manifest):
    check_manifest(manifest)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("labels", "0123", "manifest.labels must be a list, received '0123'"),
        ("labels", [0, 1], r"manifest.labels\[0\] must be a string, received 0"),
        ("num_patches", 2.5, "manifest.num_patches must be an integer, received 2.5"),
        ("num_patches", True, "manifest.num_patches must be an integer, received True"),
        ("num_patches", 10**6, "num_patches must be 1 to the number of cells"),
        ("task", "detection", "manifest.task must be one of classification, sequence"),
        ("exit_entropy", "low", "manifest.exit_entropy must be a number"),
        ("input", {}, "manifest.input.size is missing"),
        ("cells", {"map": [1, 2, 3]}, "manifest.cells.map must be a list of 2"),
        ("heads", [7], "heads must follow"),
        ("files", {"a": 1}, "manifest.files.a must be an object"),
        ("models", {}, "models must hold coarse, fine and top"),
    ],
)
def test_a_wrong_field_is_named(manifest, field, value, message):
    manifest[field] = value
    with pytest.raises(UserError, match=message):
        check_manifest(manifest)


def test_every_field_must_be_there(manifest):
    for field in manifest:
        with pytest.raises(UserError, match=f"manifest.{field} is missing"):
            check_manifest({name: value for name, value in manifest.items() if name != field})


@pytest.mark.parametrize(("version", "advice"), [(2, "update this program"), (0, "export the bundle again")])
def test_another_version_is_told_before_anything_else(version, advice):
    with pytest.raises(UserError, match=f"format version {version} and this program reads 1; {advice}"):
        check_manifest({"format_version": version})


def test_what_is_no_object_is_told():
    with pytest.raises(UserError, match="manifest must be an object, received 3"):
        check_manifest(3)


def test_lists_of_any_length():
    check([], ListOf(int), "x")
    with pytest.raises(UserError, match=r"x\[1\] must be an integer"):
        check([1, None], ListOf(int), "x")
