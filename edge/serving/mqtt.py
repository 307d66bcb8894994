"""Publishes a reading over MQTT, and goes on where the broker was away."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import paho.mqtt.client as mqtt

from edge.errors import UserError
from edge.serving.discovery import OFFLINE, ONLINE, Topics, descriptions
from edge.serving.guard import is_host
from edge.serving.meter import Meter

PORT, TLS_PORT = 1883, 8883
KEEPALIVE = 30  # seconds, after which the broker tells of our end
LONGEST_WAIT = 30  # seconds until a broker that is away is tried again
GOODBYE = 3.0  # seconds for the last message


@dataclass(frozen=True)
class Broker:
    """Where a broker is, who we are there, and whether TLS is spoken, checked by the system's certificates."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False


def parse_broker(text: str, user: str | None = None, password: str | None = None, tls: bool = False) -> Broker:
    """Returns the broker that HOST[:PORT] names, [HOST]:PORT for an IPv6 address; UserError where it is none."""
    host, separator, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not separator:
        host, port = text, str(TLS_PORT if tls else PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not is_host(host) or not (port.isascii() and port.isdecimal()) or not 1 <= int(port) <= 65535:
        raise UserError(f"--mqtt must be HOST or HOST:PORT, received {text!r}")
    return Broker(host, int(port), user, password, tls)


class Publisher:
    """Publishes reading, probability and state, each retained; 'offline' when the connection ends.

    The broker's answers come on a thread of paho's own, which also connects again. What holds at that moment is then
    published once more: a broker that was away, or lost what it kept, knows the present reading. That is why a reading
    is sent without asking for a receipt: one that is sent again by itself could come after a newer one.

    Args:
        model: the bundle's name, for Home Assistant.
        monotonic: the reading is a meter's.
        report: takes a line that tells of a change of the connection.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        model: str,
        monotonic: bool,
        unit: str | None,
        report: Callable[[str], None],
    ):
        self._broker, self._topics, self._report = broker, topics, report
        self._fixed = descriptions(topics, model, monotonic, unit)
        self._values = {}
        self._lock = threading.Lock()
        self.is_up = False
        self._trouble: str | None = None
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"dcn_{topics.name}")
        client.will_set(topics.of("availability"), OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(1, LONGEST_WAIT)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            client.tls_set()
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_connect_fail = lambda *_: self._lost("it does not answer")
        self._client = client

    def start(self) -> None:
        """Connects, now or as soon as the broker is there."""
        self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE)
        self._client.loop_start()

    def publish(self, meter: Meter) -> None:
        """Publishes what a meter shows."""
        with self._lock:
            self._values = {"state": meter.state}
            if meter.reading is not None:
                self._values |= {"reading": meter.reading, "probability": f"{meter.probability:.4f}"}
            if self.is_up:
                self._send(self._values)

    def stop(self) -> None:
        """Says goodbye, and ends."""
        if self.is_up:
            last = self._client.publish(self._topics.of("availability"), OFFLINE, qos=1, retain=True)
            last.wait_for_publish(GOODBYE)
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, values: dict):
        for part, value in values.items():
            self._client.publish(self._topics.of(part), value, retain=True)

    def _connected(self, client, data, flags, reason, properties):
        if reason.is_failure:
            self._lost(str(reason))
            return
        for topic, description in self._fixed.items():
            client.publish(topic, description, retain=True)
        with self._lock:
            self._send({"availability": ONLINE, **self._values})
            self.is_up = True
        self._trouble = None
        self._report(f"MQTT: connected to {self._broker.host}:{self._broker.port}")

    def _disconnected(self, client, data, flags, reason, properties):
        self.is_up = False
        if reason.is_failure:
            self._lost(str(reason))

    def _lost(self, why: str):
        self.is_up = False
        if self._trouble != why:
            self._report(f"MQTT: {self._broker.host}:{self._broker.port} is away ({why}); it is tried again")
        self._trouble = why
