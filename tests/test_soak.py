import soak


def test_a_runner_gives_the_same_answers_in_the_same_memory():
    assert soak.run_runner(400) < 20


def test_what_is_killed_ends_and_what_ends_is_not_killed():
    import subprocess
    import sys

    for seconds, killed in ((30.0, False), (0.05, True)):
        process = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({20 * killed})"])
        assert soak._kill_after(process, seconds) is killed
