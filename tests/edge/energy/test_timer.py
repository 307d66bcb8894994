import threading

from edge.energy.timer import Timer


def test_it_calls_at_once_from_a_thread_and_at_the_end():
    threads, third = [], threading.Event()

    def function():
        threads.append(threading.current_thread())
        if len(threads) == 3:
            third.set()

    stop = Timer().every(0.001, function)
    assert threads[0] is threading.current_thread()
    assert third.wait(30)
    stop()
    count = len(threads)
    assert threads[-1] is threading.current_thread()
    assert threads[1] is threads[2] is not threads[0]
    assert not threads[1].is_alive()
    assert len(threads) == count >= 4


def test_stopping_does_not_wait_for_the_next_call():
    calls = []
    Timer().every(3600, lambda: calls.append(1))()
    assert calls == [1, 1]


def test_time_passes():
    timer = Timer()
    before = timer.monotonic(), timer.wall()
    timer.sleep(0.002)
    assert timer.monotonic() - before[0] >= 0.002
    assert timer.wall() > 1.7e9
