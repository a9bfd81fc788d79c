"""Ed25519, against RFC 8032's own vectors."""

from atelier.adapters import ed25519
from tests.cases import each

PUBLIC_KEY = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
MESSAGE = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_the_standards_own_vector() -> None:
    assert ed25519.verify(PUBLIC_KEY, MESSAGE, SIGNATURE)


@each(
    ("public_key", "message", "signature"),
    [
        (PUBLIC_KEY, b"another message", SIGNATURE),
        (PUBLIC_KEY, MESSAGE, bytes([SIGNATURE[0] ^ 1]) + SIGNATURE[1:]),
        (PUBLIC_KEY, MESSAGE, SIGNATURE[:-1]),
        (PUBLIC_KEY, MESSAGE, SIGNATURE + b"\0"),
        (PUBLIC_KEY, MESSAGE, b""),
        (bytes(reversed(PUBLIC_KEY)), MESSAGE, SIGNATURE),
        (PUBLIC_KEY[:-1], MESSAGE, SIGNATURE),
        (PUBLIC_KEY + b"\0", MESSAGE, SIGNATURE),
        (b"", MESSAGE, SIGNATURE),
        (b"\xff" * 32, MESSAGE, SIGNATURE),
    ],
)
def test_whatever_else_verifies_nothing_and_raises_nothing(public_key: bytes, message: bytes, signature: bytes) -> None:
    assert not ed25519.verify(public_key, message, signature)
