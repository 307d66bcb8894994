from train.data.dataset import Split
from train.evaluation.figures import gather, part, to_result


def test_evaluators_are_gathered_by_name():
    split = Split([None] * 7, None)
    figures = gather([lambda split: [("error/coarse", 3.0)], lambda split: iter([("pyramid/dcn/6", 1.0)])], split)
    assert figures == {"error/coarse": 3.0, "pyramid/dcn/6": 1.0, "test_images": 7}


def test_a_part_has_its_own_figures_alone():
    figures = {"error/dcn/2": 1.0, "scales/2/error/dcn/2": 0.5, "multiplications/dcn/2": 20}
    assert part(figures, "error") == {"dcn/2": 1.0}
    assert part(figures, "scales/2/error") == {"dcn/2": 0.5}


def test_what_a_result_holds():
    figures = {"error/coarse": 3.0, "error/dcn/2": 1.0, "selectors/random/2": 4.0}
    figures |= {"multiplications/coarse": 10, "multiplications/dcn/2": 20, "test_images": 7}
    at_one = {"error": {"coarse": 3.0, "dcn": {"2": 1.0}}, "multiplications": {"coarse": 10, "dcn": {"2": 20}}}
    expected = {**at_one, "test_images": 7, "selectors": {"random": {"2": 4.0}}}
    assert to_result(figures, (1.0,)) == expected
    figures |= {"scales/2/error/coarse": 2.0, "scales/2/error/dcn/2": 0.5}
    figures |= {"scales/2/multiplications/coarse": 15, "scales/2/multiplications/dcn/2": 30}
    at_two = {"error": {"coarse": 2.0, "dcn": {"2": 0.5}}, "multiplications": {"coarse": 15, "dcn": {"2": 30}}}
    scales = [{"scales": [1.0], **at_one}, {"scales": [1.0, 0.5], **at_two}]
    assert to_result(figures, (1.0, 0.5)) == {**expected, "scales": scales}
