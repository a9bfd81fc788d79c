"""Ed25519 (RFC 8032); its library is imported at the first use, which most cold starts never come to."""


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a raw public key's holder signed this; a malformed key or signature verifies nothing."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
