from dcn_tf.cost import dcn_cost, whole_multiplications
from train.evaluation.cost import Cost


def test_an_image_with_fewer_cells_costs_what_its_cells_do(network, split_of):
    model = network("tiny_sequence")  # 12 x 16 pixels a cell; 16 x 24 pixels hold nine
    split = split_of([(5, 7), (12, 16), (16, 24)], model.architecture.top.heads)
    cost = dict(Cost(model, (1, 2, 9, 10))(split))
    assert [name for name in cost if "dcn" in name] == [f"multiplications/dcn/{k}" for k in (1, 2, 9)]
    one_cell = dcn_cost(model.architecture, 1, (12, 16)).total
    nine_cells = dcn_cost(model.architecture, 9, (16, 24)).total
    assert cost["multiplications/dcn/9"] == round((2 * one_cell + nine_cells) / 3)
    whole = [whole_multiplications(model.architecture, "fine", size) for size in ((12, 16), (12, 16), (16, 24))]
    assert cost["multiplications/fine"] == round(sum(whole) / 3)


def test_scales_are_added_one_by_one(network, split_of):
    model = network("tiny_sequence")
    cost = dict(Cost(model, (2,), scales=(1.0, 0.5))(split_of([(32, 48)] * 3, model.architecture.top.heads)))
    first, second = (dcn_cost(model.architecture, 2, size).total for size in ((32, 48), (16, 24)))
    assert cost["multiplications/dcn/2"] == first
    assert cost["scales/2/multiplications/dcn/2"] == first + second


def test_baselines_have_rows_of_their_own_alone(network, split_of):
    model = network("tiny_sequence")
    split = split_of([(16, 24)], model.architecture.top.heads)
    rows = [name.removeprefix("multiplications/") for name, _ in Cost(model, (1, 2), trained="coarse")(split)]
    assert rows == ["coarse", "soft_attention"]


def test_the_levels_of_a_pyramid_are_padded_each(network, split_of):
    model = network("tiny_pyramid")
    split = split_of([(5, 7), (16, 24)], model.architecture.top.heads)
    cost = dict(Cost(model, (1, 2, 10, 11))(split))
    assert [name for name in cost if "dcn" in name] == [f"multiplications/dcn/{k}" for k in (1, 2, 10)]
    assert not [name for name in cost if "inverse" in name or "soft" in name]
    sizes = [(5, 7), (16, 24)]
    expected = [dcn_cost(model.architecture, k, size).total for k, size in zip((2, 10), sizes)]  # a cell on each level
    assert cost["multiplications/dcn/10"] == round(sum(expected) / 2)
    expected = [whole_multiplications(model.architecture, "fine", size) for size in sizes]
    assert cost["multiplications/fine"] == round(sum(expected) / 2)
