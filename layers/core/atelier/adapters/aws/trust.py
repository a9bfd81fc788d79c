"""The certificate authorities that sign for AWS: https://www.amazontrust.com/repository/."""

import os
import tempfile
from functools import cache
from pathlib import Path

from certifi import where

LABELS = (*(f"Amazon Root CA {number}" for number in range(1, 5)), "Starfield Services Root Certificate Authority - G2")
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@cache
def amazon_roots() -> str | None:
    """Return the path of a bundle with these roots alone; None where certifi's lacks one of them."""
    bundle = Path(where()).read_text(encoding="utf-8")
    try:
        roots = [_certificate(bundle, bundle.index(f'# Label: "{label}"')) for label in LABELS]
    except ValueError:
        return None
    handle, path = tempfile.mkstemp(suffix=".pem")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(roots)
    return path


def _certificate(bundle: str, label: int) -> str:
    begin = bundle.index(BEGIN, label)
    return bundle[begin : bundle.index(END, begin) + len(END)] + "\n"
