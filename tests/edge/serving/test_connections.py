import asyncio
import time

from edge.serving.connections import COMING, Connections, Refusal


class Transport:
    """A connection in which so many bytes wait for the client."""

    def __init__(self):
        self.waiting, self.is_cut = 0, False

    def get_write_buffer_size(self):
        return self.waiting

    def abort(self):
        self.is_cut = True


class Server:
    """Makes protocols, and knows them all."""

    def __init__(self):
        self.connections = []

    def __call__(self):
        self.connections.append(Protocol(Transport()))
        return self.connections[-1]


class Protocol:
    """Can be a key, as aiohttp's can."""

    def __init__(self, transport):
        self.transport = transport


def test_one_too_many_is_refused():
    connections = Connections(Server(), most=2)
    assert [type(connections.make()) for _ in range(3)] == [Protocol, Protocol, Refusal]
    assert connections.count == 2


def test_one_too_many_is_refused_where_all_come_at_once():
    server = Server()
    connections = Connections(server, most=2)
    made = [connections.make() for _ in range(2)]
    server.connections.clear()  # aiohttp knows them when they are connected
    for protocol in made:
        protocol.transport = None
    assert isinstance(connections.make(), Refusal)


def test_connections_that_were_closed_at_once_take_no_room():
    server = Server()
    connections = Connections(server, most=2)
    for _ in range(2):
        connections.make().transport = None  # as aiohttp has it before a connection and after it
    server.connections.clear()
    time.sleep(COMING)
    assert isinstance(connections.make(), Protocol)


def test_who_never_asks_is_cut():
    connections = Connections(Server(), first_request=10)
    silent, asking = connections.make(), connections.make()
    connections.asked(asking)
    now = time.monotonic()
    connections.cut(now + 9)
    assert not silent.transport.is_cut
    connections.cut(now + 11)
    assert (silent.transport.is_cut, asking.transport.is_cut) == (True, False)


def test_who_takes_nothing_is_cut():
    connections = Connections(Server(), stalled=10)
    stalled, slow = connections.make(), connections.make()
    connections.asked(stalled)
    connections.asked(slow)
    now = time.monotonic()
    for second in range(0, 16, 5):
        stalled.transport.waiting, slow.transport.waiting = 100, 100 - second
        connections.cut(now + second)
    assert (stalled.transport.is_cut, slow.transport.is_cut) == (True, False)


def test_the_sweep_goes_on_until_it_is_cancelled():
    connections = Connections(Server(), first_request=0.02)

    async def run():
        protocol = connections.make()
        sweeping = asyncio.create_task(connections.sweep())
        await asyncio.sleep(0.2)
        sweeping.cancel()
        return protocol.transport.is_cut

    assert asyncio.run(run())
