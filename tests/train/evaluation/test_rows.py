from train.evaluation.rows import figure, possible_counts, stacks, whole_rows


def test_sequences_have_a_row_more_for_each_stack(config):
    classifier, sequence = (config(preset=name).architecture for name in ("tiny_classifier", "tiny_sequence"))
    assert [whole_rows(classifier, stack) for stack in stacks("dcn")] == [("coarse",), ("fine",)]
    assert whole_rows(sequence, "coarse") == ("coarse", "soft_attention")
    assert whole_rows(sequence, "fine") == ("fine", "fine_inverse_entropy")
    assert stacks("fine") == ("fine",)


def test_the_largest_image_says_how_many_patches_are_possible(network, split_of):
    model = network("tiny_sequence")
    split = split_of([(5, 7), (16, 24)], model.architecture.top.heads)  # one cell and nine
    assert possible_counts(model, (10, 9, 1), split, scale=1.0) == [1, 9]
    assert possible_counts(model, (10, 9, 1), split, scale=0.5) == [1]


def test_a_figure_is_named_by_its_number_of_scales():
    assert figure("error", 1, "dcn/8") == "error/dcn/8"
    assert figure("multiplications", 3, "coarse") == "scales/3/multiplications/coarse"


def test_a_network_that_may_answer_nothing_has_one_row_for_each_stack(config):
    pyramid = config(preset="tiny_pyramid").architecture
    assert [whole_rows(pyramid, stack) for stack in stacks("dcn")] == [("coarse",), ("fine",)]


def test_the_cells_of_all_levels_are_possible(network, split_of):
    model = network("tiny_pyramid")  # an image of 5 x 7 has a cell on each of two levels
    assert possible_counts(model, (1, 2, 3, 10), split_of([(5, 7)], model.architecture.top.heads), 1.0) == [1, 2]
    split = split_of([(16, 24)], model.architecture.top.heads)
    assert possible_counts(model, (1, 10, 11), split, 1.0) == [1, 10]
