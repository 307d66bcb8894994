from train.benchmark import measure


def test_each_round_gives_a_rate_of_data_step_and_both(config):
    rates = measure(config(), rounds=2, steps=2)
    assert {name: len(values) for name, values in rates.items()} == {"data": 2, "step": 2, "together": 2}
    assert all(rate > 0 for values in rates.values() for rate in values)
