from train.evaluation.table import format_table


def test_the_table_has_a_row_for_each_model_and_columns_for_each_scale():
    figures = {"error/coarse": 2.5, "error/dcn/8": 1.25, "scales/2/error/coarse": 2.0, "scales/2/error/dcn/8": 1.0}
    figures |= {"multiplications/coarse": 6_358_000, "multiplications/dcn/8": 22_980_000, "test_images": 70}
    figures |= {"scales/2/multiplications/coarse": 7_000_000, "scales/2/multiplications/dcn/8": 24_000_000}
    lines = format_table(figures | {"selectors/random/8": 9.5}, (1.0, 0.5)).splitlines()
    assert lines[0].split() == ["model", "scale", "1", "scale", "1", "and", "0.5", "and", "0.5"]
    assert lines[1].split() == ["error,", "%", "M", "mult.", "error,", "%", "M", "mult."]
    assert lines[3].split() == ["coarse", "2.50", "6.36", "2.00", "7.00"]
    assert lines[4].split() == ["dcn,", "patches:", "8", "1.25", "22.98", "1.00", "24.00"]
    assert lines[5].startswith("(70 images")
    assert lines[-2].split() == ["entropy", "gradient", "1.25"]
    assert lines[-1].split() == ["random", "9.50"]


def test_what_is_read_stands_below():
    figures = {"error/dcn/8": 1.25, "multiplications/dcn/8": 22_980_000, "test_images": 70, "readings/empty": 2.5}
    figures |= {"readings/error_of_length/1": 5.0, "readings/error_of_length/3": 7.5, "threshold/kept": 97.25}
    lines = format_table(figures, (1.0,)).splitlines()
    assert lines[-5:] == [
        "",
        "images in which nothing is read: 2.50 %",
        "error, %, by the number's length: 1: 5.00, 3: 7.50",
        "",
        "right readings that reach it: 97.25 %",
    ]


def test_the_fine_model_that_read_nothing_has_a_cost_and_no_error():
    figures = {"error/coarse": 2.5, "multiplications/coarse": 6_358_000, "multiplications/fine": 83_000_000}
    lines = format_table(figures | {"test_images": 70}, (1.0,)).splitlines()
    assert lines[4].split() == ["fine", "-", "83.00"]
