import json
import shutil
import socket
import subprocess
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from served import LONGEST, served, wait_for

from edge.errors import UserError
from edge.serving.discovery import Topics, descriptions
from edge.serving.mqtt import Broker, parse_broker

MODELS = Path(__file__).parents[3] / "models"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@pytest.mark.parametrize(
    ("text", "tls", "host", "port"),
    [
        ("pi", False, "pi", 1883),
        ("pi", True, "pi", 8883),
        ("pi:99", False, "pi", 99),
        ("[::1]", False, "::1", 1883),
        ("[::1]:99", False, "::1", 99),
    ],
)
def test_brokers(text, tls, host, port):
    assert parse_broker(text, tls=tls) == Broker(host, port, None, None, tls)


@pytest.mark.parametrize("text", ["", ":1883", "pi:", "pi:0", "pi:65536", "pi:²", "a..b", "a" * 64])
def test_a_broker_that_is_none_is_told(text):
    with pytest.raises(UserError, match="--mqtt must be HOST or HOST:PORT"):
        parse_broker(text)


@pytest.mark.parametrize(
    ("monotonic", "unit", "state_class"),
    [(True, "kWh", "total_increasing"), (False, "°C", "measurement"), (True, None, None)],
)
def test_home_assistant_is_told_of_three_sensors(monotonic, unit, state_class):
    told = descriptions(Topics("cellar"), "numbers", monotonic, unit)
    assert list(told) == [f"homeassistant/sensor/cellar/{part}/config" for part in ("reading", "probability", "state")]
    entries = [json.loads(entry) for entry in told.values()]
    assert [entry["state_topic"] for entry in entries] == [topic.replace("homeassistant/sensor", "dcn")
                                                           .removesuffix("/config") for topic in told]  # fmt: skip
    assert {entry["availability_topic"] for entry in entries} == {"dcn/cellar/availability"}
    assert len({entry["unique_id"] for entry in entries}) == 3
    assert (entries[0].get("unit_of_measurement"), entries[0].get("state_class")) == (unit, state_class)


class Mosquitto:
    """A broker on loopback, which keeps nothing."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.settings = folder / "mosquitto.conf"
        self.settings.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self.process = None

    def start(self):
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.settings], **pipes)
        wait_for(self.answers)

    def answers(self):
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.kill()
        self.process.wait(LONGEST)


class Listener:
    """Collects what is published."""

    def __init__(self, port):
        self.found = {}
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda client, data, message: self.found.update({message.topic: message.payload})
        self.client.on_connect = lambda client, *_: client.subscribe("#")
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")
def test_readings_are_published_whatever_the_broker_does(broker, tmp_path):
    frames = tmp_path / "frames"
    frames.mkdir()
    shutil.copy(MODELS / "samples" / "1.png", frames / "1.png")
    arguments = [f"--bundle={MODELS / 'cluttered_mnist'}", f"--camera=images:{frames}", "--interval=0.05", "--stable=2"]
    with served(*arguments, f"--mqtt=127.0.0.1:{broker.port}", "--name=cellar") as running:
        listener = Listener(broker.port)
        wait_for(lambda: listener.found.get("dcn/cellar/reading") == b"7")
        assert listener.found["dcn/cellar/availability"] == b"online"
        assert listener.found["dcn/cellar/state"] == b"reading"
        assert float(listener.found["dcn/cellar/probability"]) > 0.9
        assert json.loads(listener.found["homeassistant/sensor/cellar/reading/config"])["device"]["name"] == "cellar"
        listener.close()

        broker.stop()
        wait_for(lambda: b"dcn_mqtt_up 0" in running.get("/metrics")[1])
        shutil.copy(MODELS / "samples" / "2.png", frames / "1.png")  # another reading, while nobody listens
        broker.start()
        listener = Listener(broker.port)
        wait_for(lambda: listener.found.get("dcn/cellar/reading") == b"3")
        assert listener.found["dcn/cellar/availability"] == b"online"

        assert running.end() == 143
        wait_for(lambda: listener.found["dcn/cellar/availability"] == b"offline")
        listener.close()
    assert running.lines.count(f"MQTT: connected to 127.0.0.1:{broker.port}\n") == 2


@pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt-get install mosquitto")
def test_a_sudden_end_is_told_by_the_broker(broker):
    arguments = [f"--bundle={MODELS / 'cluttered_mnist'}", f"--camera=images:{MODELS / 'samples'}", "--interval=1"]
    with served(*arguments, f"--mqtt=127.0.0.1:{broker.port}") as running:
        listener = Listener(broker.port)
        wait_for(lambda: listener.found.get("dcn/reader/availability") == b"online")
        running.process.kill()
        wait_for(lambda: listener.found["dcn/reader/availability"] == b"offline")
        listener.close()
