from tools.pi import instructions, machine


def test_one_image_is_the_difference_of_two_processes(monkeypatch, tmp_path, capsys):
    costs = {("a72", False): 8e6, ("a72", True): 33e6, ("a76", False): 4e6, ("a76", True): 13e6}

    def count(core, environment, *arguments):
        assert environment == tmp_path
        assert arguments[:2] == ("-m", "tools.pi.repeat")
        (repetitions,) = (int(a.partition("=")[2]) for a in arguments if a.startswith("--repetitions="))
        return 10**9 + repetitions * costs[core, "--whole_fine" in arguments]

    monkeypatch.setattr(machine, "count", count)
    instructions.main([f"--environment={tmp_path}", "--images=images"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["a72", "dcn", "8,000,000"],
        ["a72", "whole_fine", "33,000,000"],
        ["a76", "dcn", "4,000,000"],
        ["a76", "whole_fine", "13,000,000"],
    ]
