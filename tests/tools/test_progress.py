from tools import progress


def test_the_time_to_go_follows_from_the_time_gone(monkeypatch, capsys):
    clock = iter([0.0, 5.0, 20.0, 25.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    work = progress.Progress("reading", 50, "images")
    for done in (5, 20, 25):
        work.tell(done, ", fine")
    assert capsys.readouterr().out == "reading: 20 of 50 images, 30 s to go, fine\n"
