from dataclasses import FrozenInstanceError

import pytest

from edge.bundle.manifest import Manifest


def test_a_manifest_says_what_its_content_says(case):
    manifest = case.float32.manifest
    content = manifest.content
    assert (manifest.name, manifest.method, manifest.num_patches) == (content["name"], "float32", 3)
    assert (list(manifest.input.size), manifest.input.scale) == (content["input"]["size"], content["input"]["scale"])
    assert manifest.input.shape == (*content["input"]["size"], content["input"]["channels"])
    assert (list(manifest.cells.map), list(manifest.cells.field)) == (
        content["cells"]["map"],
        content["cells"]["field"],
    )
    assert manifest.cells.count == content["cells"]["map"][0] * content["cells"]["map"][1]
    assert (list(manifest.patch.size), list(manifest.patch.origin)) == tuple(content["patch"].values())
    assert {name: entry.bytes for name, entry in manifest.files.items()} == {
        name: entry["bytes"] for name, entry in content["files"].items()
    }


def test_models_have_their_tensors_by_name(classifier_case):
    manifest = classifier_case.ptq.manifest
    coarse, entry = manifest.models["coarse"], manifest.content["models"]["coarse"]
    assert (coarse.input.dtype, coarse.input.zero_point, coarse.layout) == ("int8", -128, entry["layout"])
    assert coarse.output("coarse_features").shape == (1, *manifest.cells.map, 8)
    assert coarse.output("logits") is None


def test_fields_that_are_not_known_are_kept_in_the_content_and_ignored(case):
    content = case.float32.manifest.content
    more = content | {"new": 1, "input": content["input"] | {"new": 2}, "cells": content["cells"] | {"new": 3}}
    manifest = Manifest.from_content(more)
    assert (manifest.content["new"], manifest.input) == (1, case.float32.manifest.input)


def test_a_manifest_is_not_changed(case):
    with pytest.raises(FrozenInstanceError):
        case.float32.manifest.num_patches = 1
