import json

import pytest

from edge.benchmark import parse_arguments
from edge.errors import UserError
from edge.replay import main

BEGIN = 1.7e9
VARIANTS = {"fine_int8": 100, "dcn_int8": 400}  # inferences in a trial of ten seconds


def window(begun, inferences):
    return {"begun": begun, "ended": begun + 10, "seconds": 10.0, "inferences": inferences}


@pytest.fixture
def files(tmp_path):
    """Returns a run of two variants and a trace: 2 W at rest, 5 W in trials, from a second before to one behind."""
    entries, spans, begun = [], [], BEGIN
    for name, inferences in VARIANTS.items():
        trials = [window(begun + 10, inferences), window(begun + 20, inferences)]
        entries.append(
            {
                "name": name,
                "energy_windows": {"idle": window(begun, 0), "trials": trials},
                **dict.fromkeys(("energy_uj", "energy_source", "energy_measurement", "modelled_energy_uj")),
            }
        )
        spans.append((begun, begun + 10))
        begun += 30
    rows = [f"{BEGIN + i / 4},{_watts(BEGIN + i / 4, spans) + i % 2 * 1e-5}" for i in range(-4, 4 * 61 + 1)]
    run, trace = tmp_path / "run.json", tmp_path / "power.csv"
    run.write_text(json.dumps({"variants": entries}))
    trace.write_text("\n".join(["time,watts", *rows]) + "\n")
    return run, trace


def _watts(time, spans):
    return 2.0 if any(begun <= time < ended for begun, ended in spans) else 5.0


@pytest.fixture(autouse=True)
def no_tables(monkeypatch):
    """The tables need a whole run; see tests of `edge.comparison.tables`."""
    monkeypatch.setattr(
        "edge.replay.as_text", lambda found: " ".join(entry["energy_source"] for entry in found["variants"])
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [({"runs": []}, "its runs are none"), ({"begun": -(10**400)}, "too large"), ({"inferences": 10**400}, "too large")],
)
def test_what_is_no_run_is_one_line(content, message, files):
    run, trace = files
    found = json.loads(run.read_text())
    if "runs" in content:
        found = content
    else:
        found["variants"][0]["energy_windows"]["trials"][0] |= content
    run.write_text(json.dumps(found))
    with pytest.raises(UserError, match=f"holds no run of this kind: .*{message}"):
        main([f"--run={run}", f"--trace={trace}"])


def test_joules_of_every_variant(files, tmp_path, capsys):
    run, trace = files
    assert main([f"--run={run}", f"--trace={trace}", f"--json={tmp_path / 'joules.json'}"]) == 0
    assert capsys.readouterr().out == "measured (trace (power.csv)) measured (trace (power.csv))\n"
    fine, dcn = json.loads((tmp_path / "joules.json").read_text())["variants"]
    assert fine["energy_uj"] == pytest.approx(5 * 10 / 100 * 1e6, rel=0.02)
    assert dcn["energy_uj"] == pytest.approx(5 * 10 / 400 * 1e6, rel=0.02)
    assert dcn["energy_saving"]["fine_int8"] == pytest.approx(0.75, abs=0.01)


def test_a_trace_of_another_time_gives_status_1(files):
    run, trace = files
    assert main([f"--run={run}", f"--trace={trace}", "--clock_shift=100"]) == 1


def test_wrong_input_is_one_line(files, tmp_path):
    run, trace = files
    other = tmp_path / "other.json"
    other.write_text('{"variants": [{"name": "fine_int8"}]}')
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({"variants": [{"name": "x", "energy_windows": {"idle": {}, "trials": []}}]}))
    for arguments, message in (
        (
            [f"--run={other}", f"--trace={trace}"],
            "fine_int8 has no energy_windows; name what edge.benchmark",
        ),
        ([f"--run={broken}", f"--trace={trace}"], "holds no run of this kind"),
        ([f"--run={run}", f"--trace={run}"], "the first line of .* must name time"),
        ([f"--run={run}", f"--trace={trace}", "--clock_shift=-1.7e9"], "no line of .* holds a time since 1970"),
        ([f"--run={tmp_path}", f"--trace={trace}"], "cannot be read as JSON"),
        ([f"--run={run}", f"--trace={trace}", f"--json={trace}"], "is the file of --trace"),
    ):
        with pytest.raises(UserError, match=message):
            main(arguments)


def test_moments_are_of_no_use_without_a_file():
    with pytest.raises(UserError, match="--energy=trace writes moments for edge.replay; add --json=FILE"):
        parse_arguments(["--bundle=any", "--energy=trace"])
