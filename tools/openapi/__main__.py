"""Write functions/generate/openapi.json."""

from tools.local_stack import ROOT
from tools.openapi.document import build, encode

COPY = ROOT / "functions" / "generate" / "openapi.json"

if __name__ == "__main__":
    COPY.write_text(encode(build()), encoding="utf-8")
