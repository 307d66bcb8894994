import re
import shutil

import finished_runs
import numpy as np
import pytest
from finished_runs import make_result
from pages import Page

from dcn_tf.cost import dcn_cost, model_weights, whole_multiplications
from tools.page.readings import read
from tools.page.sections import render
from tools.workdir import load_training

NASTY = "</style><script>alert(1)</script><img src='http://example.org/a.png'>&amp;"


def page_of(directory, network, model="dcn", **changes):
    training = load_training(finished_runs.finish(directory, network, model, **changes))
    return training, Page(render(training))


@pytest.fixture(scope="module")
def of_classifier(classifier, tmp_path_factory):
    return page_of(tmp_path_factory.mktemp("classifier") / "run", classifier)


@pytest.fixture(scope="module")
def of_sequence(sequence, tmp_path_factory):
    at = {kind: finished_runs.figures("dcn", factor) for kind, factor in (("error", 8.0), ("multiplications", 3e6))}
    scales = [{"scales": [1.0], **at}, {"scales": [1.0, 0.5], **at}]
    crops = {**at, "test_images": 7, "scales": scales, "selectors": {"random": {"1": 33.5, "2": 31.25}}}
    return page_of(tmp_path_factory.mktemp("sequence") / "run", sequence, more_tests={"crops": crops})


def test_figures_are_those_of_the_result(of_classifier):
    _, page = of_classifier
    result = make_result()
    errors = page.table("test, 48 images: error in %")
    assert errors["coarse"] == [f"{result['error']['coarse']:.2f}", "9.2"]
    assert errors["DCN, 3 patches"] == ["3.12", "3.1"]
    assert page.table("Validation")["DCN, 5 patches"] == ["2.25"]
    assert "test error, 3 patches3.12 %" in page.text.replace("\n", "")
    assert "3.1 million" in page.text
    assert "0.89 of the fine model's 3.5 million" in page.text
    assert "seed 4, 1,000 steps of 32 images (32,000 in all), 10 minutes." in page.text
    assert "python -m train.main '--flagfile=runs/a b/flags.txt' '--workdir=runs/a b_again'" in page.text


def test_how_sure_the_errors_are(classifier, tmp_path):
    found = {"difference": -0.5, "interval": [-0.75, 0.25], "ours_alone": 3, "theirs_alone": 7, "p": 0.34375}
    changes = {"interval": {"fine": [1.0, 2.5], "dcn": {"3": [2.0, 4.5]}}, "against_fine": {"dcn": {"3": found}}}
    _, page = page_of(tmp_path / "sure", classifier, **changes)
    errors, rows = make_result()["error"], page.table("test: how sure that is")
    assert rows["fine"] == [f"{errors['fine']:.2f}", "1.00 to 2.50", "", "", "", ""]
    expected = [f"{errors['dcn']['3']:.2f}", "2.00 to 4.50", "-0.50", "-0.75 to 0.25", "3 / 7", "0.344"]
    assert rows["DCN, 3 patches"] == expected


def test_the_page_loads_nothing(of_classifier, of_sequence):
    for _, page in (of_classifier, of_sequence):
        assert page.loads
        assert all(load.startswith(("#", "data:image/")) for load in page.loads)
        assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
        assert "default-src 'none'; img-src data:" in page.html
        assert page.unclosed == []
        style = page.html[page.html.index("<style>") : page.html.index("</style>")]
        assert "url(" not in style
        assert "@import" not in style
        assert "://" not in page.html


def test_every_table_and_plot_has_a_name(of_sequence):
    _, page = of_sequence
    assert "" not in page.tables
    assert page.tags.count("img") == page.html.count('" alt="') == 8
    assert 'alt="test: error by patches: error, % against patches, for DCN"' in page.html


def test_a_page_has_a_link_to_every_section(of_classifier, of_sequence):
    for _, page in (of_classifier, of_sequence):
        names = re.findall(r'<section id="(\w+)">\n<h2>([^<]+)</h2>', page.html)
        assert len(names) == 8
        assert re.findall(r'\n<a href="#(\w+)">([^<]+)</a>', page.html) == names


def test_shades_of_cells_are_their_shares(of_classifier):
    _, page = of_classifier
    assert '<td class="bar" style="--strength:1.000">100.0</td>' in page.html


def test_texts_of_files_are_escaped(classifier, tmp_path):
    changes = {"dataset": NASTY, "dataset_detail": NASTY, "versions": {NASTY: NASTY}, "selectors": {NASTY: {"1": 1.0}}}
    config = make_result()["config"] | {"workdir": NASTY, "preset": NASTY, NASTY: NASTY}
    directory = finished_runs.finish(tmp_path / "run", classifier, config=config, **changes)
    path = directory / "samples" / "test.npz"
    np.savez(path, **(dict(np.load(path)) | {"label_names": np.array([NASTY] * 5)}))
    (directory / "curves.csv").write_text(f"step,name,value\n1,train/{NASTY},2\n1,validation_error/{NASTY},2\n")
    page = Page(render(load_training(directory)))
    assert "script" not in page.tags
    assert not any(load.startswith("http") for load in page.loads)
    assert page.text.count("<script>alert(1)</script>") > 20
    assert page.unclosed == []


def test_costs_are_those_of_the_architecture(of_classifier, classifier):
    _, page = of_classifier
    at, rows = dcn_cost(classifier.architecture, 3), page.table("Multiplications of an image of 28 x 28 pixels")
    assert rows["fine stack, patches: 3"] == [f"{at.fine_stack / 1e6:,.2f}", f"{100 * at.fine_stack / at.total:.1f}"]
    assert rows["all"] == [f"{at.total / 1e6:,.2f}", "100.0"]
    weights = model_weights(classifier.architecture)
    assert page.table("Weights")["fine"] == [f"{n:,}" for n in (weights["fine"], 4 * weights["fine"], weights["fine"])]


def test_the_network_reads_the_kept_images_again(of_classifier, classifier, tmp_path):
    training, page = of_classifier
    found = read(training, training.samples("test"), 3)
    assert f"Read again for this page: 48 kept test images, 3 patches: error {found.error:.2f} %." in page.text
    assert f"(test): different by {round(abs(found.error - 3.125) * 0.48)} images." in page.text
    honest = make_result()
    honest["error"]["dcn"]["3"] = found.error
    _, page = page_of(tmp_path / "honest", classifier, error=honest["error"])
    assert "(test): the same." in page.text
    _, page = page_of(tmp_path / "other", classifier, test_images=47)
    assert "result.json has no test of so many images" in page.text


def test_right_and_wrong_images_stand_apart_with_what_was_read(of_classifier):
    training, page = of_classifier
    found = read(training, training.samples("test"), 3)
    wrong = int((~found.right).sum())
    assert f"Read wrong: the {min(wrong, 12)} that it was surest of, of {wrong}" in page.text
    assert page.html.count('<figure class="wrong">') == min(wrong, 12)
    assert page.html.count('<figure class="right">') == min(48 - wrong, 12)
    index = found.surest(False, 1)[0]
    assert f"Test image {index} of {found.truths[index]}, read as {found.answers[index]}" in page.html


def test_a_training_of_numbers_has_lengths_symbols_and_scales(of_sequence):
    training, page = of_sequence
    found = read(training, training.samples("test"), 3)
    lengths = page.table("Lengths")
    assert list(lengths) == ["", "1", "2", "3"]
    counted = sum(int(cell or 0) for name in "123" for cell in lengths[name][:3])
    assert counted == 48
    known = (found.categories[:, 0] == found.samples.labels[:, 0]).nonzero()[0]
    symbols = sum(int(cell or 0) for name in map(str, range(10)) for cell in page.table("Symbols")[name][:10])
    assert symbols == sum(len(found.truths[i]) for i in known)
    assert page.table("crops, 7 images")["DCN, 2 patches"] == ["33.00", "12.4", "33.00", "12.4"]
    assert page.table("crops: error in % by selector")["random"] == ["33.50", "31.25", "", ""]
    for test in ("test", "crops"):
        assert f'alt="{test}: error by patches: ' in page.html


@pytest.mark.parametrize("model", ["coarse", "fine"])
def test_a_baseline_has_no_patches(classifier, tmp_path, model):
    _, page = page_of(tmp_path / "run", classifier, model)
    assert f"tiny: {model} model alone" in page.text
    assert "Patches and cost" not in page.text
    assert f"test error, {model}7.50 %" in page.text
    assert page.table("test, 48 images")[model] == ["7.50", "7.5"]
    whole = whole_multiplications(classifier.architecture, model)
    assert page.table("Multiplications")["all"][0] == f"{whole / 1e6:,.2f}"
    assert "<rect" not in page.html
    assert ('class="heat"' in page.html) == (model == "coarse")


def test_what_a_workdir_lacks_is_said(classifier, tmp_path):
    directory = finished_runs.finish(tmp_path / "run", classifier, curves=None, versions={})
    (directory / "samples" / "test.npz").unlink()
    page = Page(render(load_training(directory)))
    assert "This training has no curves.csv" in page.text
    assert "This training kept no test images" in page.text
    assert "Made with unknown versions." in page.text
    assert "Losses" not in page.html
    assert "How sure it is" not in page.text


def test_a_fallback_and_changed_flags_are_told(classifier, tmp_path):
    config = make_result()["config"] | {"dataset": "svhn,folder"}
    _, page = page_of(tmp_path / "run", classifier, config=config, changed_flags=["seed", "workdir"])
    assert "svhn,folder was asked for and not to be had: this was trained and tested on tiny." in page.text
    flags = page.table("Flags; those that differ from the defaults first, in bold")
    assert list(flags)[:5] == ["flag", "--workdir", "--seed", "--dataset", "--preset"]
    assert (flags["--augment"], flags["--eval_num_patches"]) == (["true"], ["1,2,3,5"])
    assert "--num_patches" not in flags
    assert '<th scope="row" class="changed"><span>--seed</span>' in page.html
    assert '<th scope="row"><span>--preset</span>' in page.html


def test_of_a_training_for_photographs_the_kept_windows_are_validation_images(pyramid, tmp_path):
    workdir = finished_runs.finish(tmp_path / "run", pyramid, validation_images=48)
    shutil.copy(workdir / "samples" / "test.npz", workdir / "samples" / "validation.npz")
    training = load_training(workdir)
    found, page = read(training, training.samples("test"), 3), Page(render(training))
    assert f"Read again for this page: 48 kept validation images, 3 patches: error {found.error:.2f} %." in page.text
    assert f"(validation): different by {round(abs(found.error - 6.25) * 0.48)} images." in page.text
    assert "below it the same with the patches as boxes" in page.text.replace("\n", " ")
    lengths = page.table("Lengths")
    assert list(lengths) == ["", "0", "1", "2", "3"]
    assert sum(int(count or 0) for name, row in lengths.items() if name for count in row[:-1]) == 48
