import copy
import json

import pytest

from edge.bundle.content import (
    COLOURS,
    FORMAT_VERSION,
    OF_LEVELS,
    READABLE_VERSIONS,
    check_content,
    format_content,
    parse_content,
    schema,
)
from edge.bundle.tasks import CLASSIFICATION, SEQUENCE
from edge.errors import UserError


@pytest.fixture
def manifest(case):
    return copy.deepcopy(case.float32.manifest.content)


def test_a_manifest_of_this_project_is_right(manifest):
    check_content(manifest)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("labels", "0123", "manifest.labels must be an array, received '0123'"),
        ("labels", [0, 1], r"manifest.labels\[0\] must be a string, received 0"),
        ("labels", ["0"], "manifest.labels must be a list of at least 2"),
        ("labels", ["0", "1", "0"], "the manifest contradicts itself: .*labels"),
        ("num_patches", 2.5, "manifest.num_patches must be an integer, received 2.5"),
        ("num_patches", True, "manifest.num_patches must be an integer, received True"),
        ("num_patches", 0, "manifest.num_patches must be at least 1, received 0"),
        ("num_patches", 10**6, "num_patches must be 1 to the number of cells"),
        ("task", "detection", "manifest.task must be one of classification, sequence"),
        ("exit_entropy", "low", "manifest.exit_entropy must be a number or null"),
        ("saliency_level", -1, "manifest.saliency_level must be at least 0, received -1"),
        ("calibration", {"split": "validation"}, "manifest.calibration.dataset is missing"),
        ("input", {}, "manifest.input.size is missing"),
        ("heads", [7], "heads must follow"),
        ("saliency_heads", [99], "saliency_heads must be indices"),
        ("files", {"a": 1}, "manifest.files.coarse.tflite is missing"),
        ("models", {}, "manifest.models.coarse is missing"),
        ("measured", {}, "manifest.measured.dataset is missing"),
    ],
)
def test_a_wrong_field_is_named(manifest, field, value, message):
    manifest[field] = value
    with pytest.raises(UserError, match=message):
        check_content(manifest)


@pytest.mark.parametrize("value", [{}, 3, None, {"inputs": []}])
def test_a_further_model_is_described_as_the_others_are(manifest, value):
    manifest["models"]["other"] = value
    with pytest.raises(UserError, match="manifest.models.other"):
        check_content(manifest)


def test_every_field_must_be_there(manifest):
    for field in set(manifest) & set(schema()["required"]):
        with pytest.raises(UserError, match=f"manifest.{field} is missing"):
            check_content({name: value for name, value in manifest.items() if name != field})


@pytest.mark.parametrize(("version", "advice"), [(6, "update this program"), (2, "export the bundle again")])
def test_another_version_is_told_before_anything_else(version, advice):
    with pytest.raises(UserError, match=f"format version {version} and this program reads 3, 4, 5; {advice}"):
        check_content({"format_version": version})


def test_what_is_no_object_is_told():
    with pytest.raises(UserError, match="manifest must be an object, received 3"):
        check_content(3)


@pytest.mark.parametrize(
    ("field", "changes", "message"),
    [
        ("cells", {"map": [1, 2, 3]}, "manifest.cells.map must be a list of at most 2"),
        ("cells", {"stride": [1000, 4]}, "every patch must touch the image"),
        ("patch", {"origin": [0, -10]}, "every patch must touch the image"),
        ("input", {"scale": 0}, "manifest.input.scale must be at least 1e-09"),
        ("input", {"channels": 3, "colour": "L"}, "input.channels must be those of input.colour"),
    ],
)
def test_a_wrong_part_is_named(classifier_case, field, changes, message):
    manifest = copy.deepcopy(classifier_case.float32.manifest.content)
    manifest[field] |= changes
    with pytest.raises(UserError, match=message):
        check_content(manifest)


def test_what_belongs_to_the_other_task_is_told(case):
    manifest = case.float32.manifest.content
    other = {CLASSIFICATION: SEQUENCE, SEQUENCE: CLASSIFICATION}[manifest["task"]]
    for change in ({"task": other}, {"convolution": None, "pooling": None}, {"max_length": 2}):
        with pytest.raises(UserError, match="contradicts itself"):
            check_content(manifest | change)


def test_a_model_without_a_file_is_told(manifest):
    del manifest["files"]["whole_fine.tflite"]
    with pytest.raises(UserError, match="files must hold every model, and whole_fine is missing"):
        check_content(manifest)


def test_what_is_written_is_read_back(manifest):
    manifest["input"]["scale"] = 1.0
    found = parse_content(format_content(manifest))
    assert found == manifest
    assert isinstance(found["input"]["scale"], int)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_hold_is_told(value):
    with pytest.raises(UserError, match="the manifest cannot be written"):
        format_content({"training": value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "manifest.json is not JSON"),
        (b"\xff\xfe{}", "manifest.json is not JSON"),
        ("\ufeff{}".encode(), "its checksum is wrong or missing"),
        (b"[" * 10**5, "manifest.json is not JSON"),
        (b'{"a":' * 10**5, "manifest.json is not JSON"),
        (b"[]", r"manifest must be an object, received \[\]"),
        (b"null", "manifest must be an object, received None"),
        (b'{"a": NaN}', "nan is not a finite|NaN is not a finite"),
        (b'{"a": -Infinity}', "-Infinity is not a finite number"),
        (b'{"a": 1e999}', "1e999 is not a finite number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "manifest.json is not JSON|manifest.name is missing|is missing"),
        (b'{"format_version": 1, "format_version": 2}', "'format_version' is there twice"),
        (b'{"format_version": 1e300}', "format version 1"),
        (b'{"format_version": "2"}', "its checksum is wrong or missing"),
        (b"{} {}", "Extra data"),
        (rb'{"labels": ["\ud800"]}', "manifest.json is not JSON: .*surrogates"),
    ],
)
def test_what_is_no_manifest_is_told_in_one_short_line(content, message):
    with pytest.raises(UserError, match=message) as error_info:
        parse_content(content)
    assert "\n" not in str(error_info.value)
    assert len(str(error_info.value)) < 600


def test_the_schema_and_the_code_name_the_same_things():
    fields = schema()["properties"]
    assert fields["format_version"]["enum"] == list(READABLE_VERSIONS)
    assert max(READABLE_VERSIONS) == FORMAT_VERSION
    assert fields["task"]["enum"] == [CLASSIFICATION, SEQUENCE]
    assert (fields["input"]["properties"]["colour"]["enum"], fields["input"]["properties"]["channels"]["enum"]) == (
        list(COLOURS),
        sorted(set(COLOURS.values())),
    )
    assert set(fields) - set(schema()["required"]) == {"calibration", "min_length", "levels", *OF_LEVELS}


def test_the_shipped_manifests_are_read_without_a_change(bundle_copy):
    content = json.loads(bundle_copy.files["manifest.json"])
    assert len(content.pop("checksum")) == 64
    assert content == bundle_copy.manifest.content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"levels": None},
            "input.resize must be keep with levels|levels, presence, votes and min_length 0 go together",
        ),
        ({"min_length": 1}, "heads must follow from labels and max_length"),
        ({"num_patches": 33}, "num_patches must be 1 to 32"),
        ({"levels": [0]}, r"manifest.levels\[0\] must be at least 0.01, received 0"),
        ({"levels": []}, "manifest.levels must be a list of at least 1"),
        ({"pooling": {"coarse": "average", "refined": "votes", "floor": 1e-3}}, "levels, presence, votes and min_len"),
    ],
)
def test_a_bundle_for_images_of_any_size_is_consistent(pyramid_case, change, message):
    content = pyramid_case.float32.manifest.content
    check_content(content)
    with pytest.raises(UserError, match=message):
        check_content(content | change)
