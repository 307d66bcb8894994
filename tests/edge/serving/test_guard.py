import pytest

from edge.errors import UserError
from edge.serving.guard import Address, Guard, load_token, parse_address


@pytest.mark.parametrize(
    ("text", "address", "is_loopback"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080), True),
        ("localhost:0", Address("localhost", 0), True),
        ("[::1]:80", Address("::1", 80), True),
        ("0.0.0.0:8080", Address("0.0.0.0", 8080), False),
        ("[::]:8080", Address("::", 8080), False),
        ("pi.local:8080", Address("pi.local", 8080), False),
    ],
)
def test_addresses(text, address, is_loopback):
    assert (parse_address(text), parse_address(text).is_loopback) == (address, is_loopback)
    assert str(address) == text


@pytest.mark.parametrize("text", ["a..b:80", "127.x..y:80", f"{'a' * 64}:80", ":80", "pi:65536"])
def test_an_address_that_is_none_is_told(text):
    with pytest.raises(UserError, match="--listen must be HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize(("content", "message"), [(b"short\n", "at least 16"), (b"\xff" * 20, "cannot be read")])
def test_a_token_that_is_none_is_told(tmp_path, content, message):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_token(tmp_path / "token")


def test_a_token_of_a_device_is_not_read():
    with pytest.raises(UserError, match="it is a device, and no file"):
        load_token("/dev/zero")


def test_a_token_is_read_without_its_line_end(tmp_path):
    (tmp_path / "token").write_text("0123456789abcdef\n")
    assert load_token(tmp_path / "token") == "0123456789abcdef"


def test_names_of_ours():
    guard = Guard(None, ("localhost", "::1"))
    assert [guard.is_ours(host) for host in ("LOCALHOST:80", "localhost", "[::1]:80")] == [True] * 3
    assert [guard.is_ours(host) for host in (None, "", "localhost.evil.example", "[::2]", "::1")] == [False] * 5
    assert Guard().is_ours("anything")
