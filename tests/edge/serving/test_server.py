import asyncio
import base64
import io
import json
import time
from pathlib import Path

import pytest
from aiohttp import FormData
from PIL import Image

from edge.errors import WorkError
from edge.serving import intake
from edge.serving.guard import Guard
from edge.serving.page import page
from edge.serving.upload import MOST_BYTES

SAMPLES = Path(__file__).parents[3] / "models" / "samples"
SEVEN = (SAMPLES / "1.png").read_bytes()


async def first_reading(client):
    for _ in range(100):
        response = await client.get("/reading")
        if response.status == 200:
            return await response.json()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        await asyncio.sleep(0.05)
    raise AssertionError("no frame was read")


@pytest.fixture
def service(make_service, tmp_path):
    return make_service(f"--camera=images:{SAMPLES}", "--interval=0", f"--folder={tmp_path / 'mine'}")


def test_an_image_is_read_as_edge_run_reads_it(make_service, ask):
    async def work(client):
        response = await client.post("/read", data=SEVEN)
        return response.status, await response.json()

    status, fields = ask(make_service("--exit_entropy=0"), work)
    assert status == 200
    assert list(fields) == ["path", "prediction", "probability", "num_patches", "milliseconds"]
    assert (fields["path"], fields["prediction"], fields["num_patches"]) == ("upload/1", "7", 8)
    assert fields["probability"] > 0.9


def test_frames_are_read_and_told(service, ask):
    async def work(client):
        reading = await first_reading(client)
        frame = await client.get("/frame.jpg")
        assert frame.content_type == "image/jpeg"
        picture = Image.open(io.BytesIO(await frame.read()))
        health = await client.get("/healthz")
        metrics = await (await client.get("/metrics")).text()
        return reading, picture.size, await health.json(), metrics

    reading, size, health, metrics = ask(service, work)
    assert reading["path"] == f"camera/{reading['frame']}"
    assert reading["prediction"] == "73424053"[(reading["frame"] - 1) % 8]
    assert abs(reading["time"] - time.time()) < 20
    assert (size, health) == ((100, 100), {"status": "ok"})
    assert "dcn_camera_up 1\n" in metrics
    assert '# TYPE dcn_requests_total counter\ndcn_requests_total{path="/frame.jpg",status="200"} 1\n' in metrics


def test_the_page_has_what_it_draws(service, ask):
    async def work(client):
        await first_reading(client)
        await client.post("/settings", json={"exit_entropy": "never"})
        before = (await (await client.get("/live")).json())["reading"]["frame"]
        live = {}
        while not live or live["reading"]["frame"] <= before + 1:
            live = await (await client.get("/live", params={"after": before})).json()
        return before, live

    before, live = ask(service, work)
    picture = live["picture"]
    assert picture["size"] == [100, 100]
    assert [right - left for left, _, right, _ in picture["patches"]] == [14] * 8
    assert len(picture["heat"]["rows"]) == 23
    assert max(map(max, picture["heat"]["rows"])) == 255
    assert {"coarse", "fine", "top"} <= set(picture["stages_us"])
    assert picture["early_exit"] is False
    assert [entry[0] for entry in live["history"]] == list(range(before + 1, live["reading"]["frame"] + 1))
    assert live["settings"] == {"num_patches": None, "exit_entropy": "never", "saliency_level": None}
    assert (live["camera"], live["mqtt"], live["saves"]) == ("up", "none", True)


def test_settings_are_followed_or_refused(make_service, ask):
    async def patches(client, **settings):
        response = await client.post("/settings", json=settings)
        if response.status != 200:
            return response.status, (await response.json())["error"]
        return (await (await client.post("/read", data=SEVEN)).json())["num_patches"]

    async def work(client):
        return [
            await patches(client, num_patches=3, exit_entropy="never"),
            await patches(client, exit_entropy=100),
            await patches(client, saliency_level=1e9),
            await patches(client, num_patches=99999),
            await patches(client, num_patches="3"),
            await patches(client, exit_entropy=-1),
            await patches(client, flags=1),
        ]

    three, early, none_salient, *refused = ask(make_service(), work)
    assert (three, early, none_salient) == (3, 0, 0)
    assert [status for status, _ in refused] == [400] * 4
    assert "from 1 to the number of cells" in refused[0][1]


def test_a_frame_is_saved_with_its_right_number(service, ask, tmp_path):
    async def work(client):
        number = (await first_reading(client))["frame"]
        held = await client.post("/hold", json={"frame": number})
        await asyncio.sleep(0.2)  # in which more frames are read than are kept
        saved = await client.post("/save", json={"frame": number, "label": " 7 "})
        wrong = await client.post("/save", json={"frame": number, "label": "77"})
        gone = await client.post("/save", json={"frame": number + 10**6, "label": "7"})
        return number, held.status, (await saved.json())["file"], wrong.status, gone.status

    number, held, file, wrong, gone = ask(service, work)
    assert (held, wrong, gone) == (200, 400, 409)
    folder = tmp_path / "mine"
    assert json.loads((folder / "annotations.json").read_text()) == [{"file": file, "label": [7]}]
    with Image.open(folder / file) as image, Image.open(SAMPLES / f"{(number - 1) % 8 + 1}.png") as sample:
        assert image.tobytes() == sample.tobytes()


def test_a_region_is_read_and_kept(service, ask, tmp_path):
    async def work(client):
        await first_reading(client)
        region = [0.25, 0.1, 0.75, 0.9]
        answer = await client.post("/region", json={"region": region})
        wrong = await client.post("/region", json={"region": [0.5, 0, 0.25, 1]})
        number = (await (await client.get("/reading")).json())["frame"] + 2
        live = {}
        # A frame whose coarse answer stands shows no patches.
        while not live or live["reading"]["frame"] < number or not live["picture"]["patches"]:
            live = await (await client.get("/live")).json()
        return (await answer.json())["region"] == region, wrong.status, live

    kept, wrong, live = ask(service, work)
    assert (kept, wrong) == (True, 400)
    assert json.loads((tmp_path / "mine" / "region.json").read_text()) == [0.25, 0.1, 0.75, 0.9]
    assert live["picture"]["size"] == [100, 100]
    lefts, tops, rights, bottoms = zip(*live["picture"]["patches"])
    assert min(lefts) > 25 - 7
    assert max(rights) < 75 + 7
    assert min(tops) > 10 - 12
    assert max(bottoms) < 90 + 12


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/read", b"", 400),
        ("/read", b"no image", 400),
        ("/read", SEVEN[:100], 400),
        ("/read", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 400),
        ("/read", b"0" * (MOST_BYTES + 1), 413),
        ("/settings", b"{", 400),
        ("/settings", b"[" * 50000, 400),
        ("/settings", b'{"exit_entropy": NaN}', 400),
        ("/settings", b"[]", 400),
        ("/save", b'{"frame": true, "label": "7"}', 400),
        ("/save", b'{"frame": 1e400, "label": "7"}', 400),
        ("/hold", b'{"frame": "\xff"}', 400),
        ("/region", b'{"region": [0, 0, 1]}', 400),
        ("/region", b"{}", 400),
        ("/nothing", b"", 404),
        ("/reading", b"", 405),
    ],
)
def test_a_wrong_request_is_told_in_a_line(make_service, ask, capsys, path, body, status):
    async def work(client):
        headers = {"Content-Type": "application/json"}
        response = await client.post(path, data=body, headers=headers)
        return response.status, await response.json()

    found, content = ask(make_service(), work)
    assert found == status
    assert list(content) == ["error"]
    assert "\n" not in content["error"]
    assert capsys.readouterr().err == ""


def test_an_image_of_too_many_pixels_is_not_decoded(make_service, ask):
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, format="PNG")

    async def work(client):
        begun = time.monotonic()
        response = await client.post("/read", data=file.getvalue())
        return response.status, (await response.json())["error"], time.monotonic() - begun

    status, error, seconds = ask(make_service(), work)
    assert (status, error) == (400, "the image has 10000 x 10000 pixels, more than 50,000,000; send a smaller one")
    assert seconds < 1


def test_more_images_than_there_is_room_for_come_again(make_service, ask, monkeypatch):
    monkeypatch.setattr(intake, "MOST_WAITING", 3)
    service = make_service()
    service.reader.submit(time.sleep, 0.5)

    async def work(client):
        return await asyncio.gather(*(client.post("/read", data=SEVEN) for _ in range(8)))

    responses = ask(service, work)
    assert sorted(response.status for response in responses) == [200] * 3 + [503] * 5
    assert {response.headers.get("Retry-After") for response in responses if response.status == 503} == {"1"}


def test_a_body_that_comes_too_slowly_is_given_up(make_service, ask, monkeypatch):
    monkeypatch.setattr(intake, "BODY_SECONDS", 0.2)

    async def drip():
        yield SEVEN[:10]
        await asyncio.sleep(1)
        yield SEVEN[10:]

    async def work(client):
        return (await client.post("/read", data=drip())).status

    assert ask(make_service(), work) == 408


def test_a_token_is_asked_for(make_service, ask):
    token = "0123456789abcdef"
    basic = base64.b64encode(f"me:{token}".encode()).decode()

    async def work(client):
        async def status(path, authorization=None):
            headers = {} if authorization is None else {"Authorization": authorization}
            return (await client.get(path, headers=headers)).status

        given = [None, "Bearer 0123456789abcdeF", "Basic !", "Bearer é", f"Bearer {token}", f"Basic {basic}"]
        return [await status("/live", one) for one in given], await status("/healthz")

    assert ask(make_service(), work, Guard(token)) == ([401, 401, 401, 401, 200, 200], 200)


def test_pages_of_others_stay_out(make_service, ask):
    async def work(client):
        own = f"http://{client.host}:{client.port}"
        settings = {"num_patches": 2}
        foreign = await client.post("/settings", json=settings, headers={"Origin": "http://foreign.example"})
        no_page = await client.post("/read", data=SEVEN, headers={"Origin": "null"})
        form = await client.post("/settings", data=FormData(settings))
        same = await client.post("/settings", json=settings, headers={"Origin": own})
        rebound = await client.get("/live", headers={"Host": "foreign.example"})
        return [response.status for response in (foreign, no_page, form, same, rebound)]

    assert ask(make_service(), work, Guard(None, ("127.0.0.1",))) == [403, 403, 415, 200, 421]


def test_the_page_runs_its_own_script_alone(make_service, ask):
    async def work(client):
        response = await client.get("/")
        return response.headers, await response.text()

    headers, html = ask(make_service(), work)
    assert html == page()[0]
    assert "://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_without_a_camera_there_is_no_frame(make_service, ask):
    async def work(client):
        return [(await client.get(path)).status for path in ("/reading", "/frame.jpg", "/stream.mjpg", "/live")]

    assert ask(make_service(), work) == [404, 404, 404, 200]


def test_a_stream_shows_frame_after_frame(service, ask):
    async def work(client):
        await first_reading(client)
        async with client.get("/stream.mjpg") as response:
            return response.headers["Content-Type"], await response.content.readexactly(12_000)

    kind, content = ask(service, work)
    assert kind == "multipart/x-mixed-replace; boundary=frame"
    head, _, rest = content.partition(b"\r\n\r\n")
    length = int(head.rpartition(b" ")[2])
    assert head.startswith(b"--frame\r\nContent-Type: image/jpeg\r\n")
    assert Image.open(io.BytesIO(rest[:length])).size == (100, 100)
    assert rest[length:].startswith(b"\r\n--frame\r\n")


def test_what_a_stream_would_send_has_no_head_alone(service, ask):
    async def work(client):
        return (await client.head("/stream.mjpg")).status, (await client.head("/live")).status

    assert ask(service, work) == (405, 200)


def test_work_that_fails_is_told(make_service, ask, monkeypatch):
    service = make_service()

    def fail(*_):
        raise WorkError("the answer is no number")

    monkeypatch.setattr(service, "_read", fail)

    async def work(client):
        response = await client.post("/read", data=SEVEN)
        return response.status, await response.json()

    assert ask(service, work) == (500, {"error": "the answer is no number"})


def test_what_goes_wrong_inside_is_told_to_the_log_alone(make_service, ask, capsys, monkeypatch):
    service = make_service()
    monkeypatch.setattr(service, "totals", lambda: 1 / 0)

    async def work(client):
        response = await client.get("/live")
        return response.status, await response.json()

    assert ask(service, work) == (500, {"error": "this went wrong here; the log tells what"})
    assert capsys.readouterr().err == "error: GET '/live': ZeroDivisionError: division by zero\n"
