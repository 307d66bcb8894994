import os
import subprocess
import sys
import threading
from pathlib import Path

from edge.quiet import quiet

ROOT = Path(__file__).parents[2]


def test_what_libraries_write_goes_nowhere_until_the_last_thread_is_done(capfd):
    first_is_in, second_is_out = threading.Event(), threading.Event()

    def first():
        with quiet():
            first_is_in.set()
            second_is_out.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    first_is_in.wait(10)
    with quiet():
        os.write(2, b"one ")
    os.write(2, b"two ")  # the other thread is in it still
    second_is_out.set()
    thread.join()
    os.write(2, b"three")
    assert capfd.readouterr().err == "three"


def test_what_a_program_says_itself_comes_all_the_same():
    program = (
        "import os, sys\n"
        "from edge.errors import run_main\n"
        "from edge.quiet import quiet\n"
        "def main():\n"
        "    with quiet():\n"
        "        os.write(2, b'library ')\n"
        "        print('ours', file=sys.stderr)\n"
        "run_main(main)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "ours\n")
