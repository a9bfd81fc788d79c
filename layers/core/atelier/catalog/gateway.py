"""Gateways: providers that speak OpenAI's Images API and differ in a few fields, which the catalog names.

    [providers.xai]
    concurrency = 5
    shape = "openai"
    url = "https://api.x.ai/v1"                         # with the version
    edits = "/images/edits"                             # where an input with pictures goes
    pictures = { field = "images", as = "objects" }     # and how the pictures go there
    refused = { field = "respect_moderation", value = false }
    cost = { "usage.cost_in_usd_ticks" = 1e-10 }        # US dollars a unit, added up
    inputs = ["prompt", "n", "aspect_ratio", "resolution"]

Further fields: `header` ("Authorization") and `scheme` ("Bearer", or "" for the key alone), `generations`
("/images/generations"), `check` ("/models"), a path that only a good key may GET, and `key = false` for a gateway
without one. An input with a mask goes to `inpaint`, if there is such a path, and else to `edits`. `mask` is the field
in which the mask goes as a data URL, in black and white; in a form it is a file, as OpenAI has it.

A `url` must be public; a gateway in a private network has none here, and its address in ProviderUrls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from atelier.errors import FetchRefusedError
from atelier.outbound.url_policy import UrlPolicy

SHAPE = "openai"


class Sent(Enum):
    """How clients' pictures are sent."""

    FORM = "form"
    """As files of a form."""
    URL = "url"
    """The one picture as a data URL."""
    URLS = "urls"
    """As data URLs."""
    OBJECTS = "objects"
    """As objects with a `url`, which is a data URL, and the `type` image_url."""
    REFERENCES = "references"
    """As objects with the `type` image_url and an `image_url`, which has a `url`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A provider of OpenAI's shape: its `url`, None where the operator gives it, and the paths after it.

    `edits`: the path for an input with pictures, which go as `pictures` says in the field `picture_field`; `inpaint`:
    that for one with a mask, if it is another. `mask_field`: where the mask goes, if pictures do not go in a form.
    `refused`: the field of a picture, and its value, that say that a filter took the picture out. `cost`: fields of an
    answer, dots between their parts, and how many US dollars a unit of each is.
    """

    name: str
    url: str | None
    inputs: frozenset[str]
    needs_key: bool = True
    header: str = "Authorization"
    scheme: str = "Bearer"
    generations: str = "/images/generations"
    edits: str = "/images/edits"
    inpaint: str | None = None
    check: str = "/models"
    pictures: Sent = Sent.FORM
    picture_field: str = "image[]"
    mask_field: str | None = None
    refused: tuple[str, Any] | None = None
    cost: Mapping[str, float] = field(default_factory=dict)

    @property
    def needs_address(self) -> bool:
        """Tell whether it can be used only at an address that the operator has given."""
        return self.url is None

    def path(self, *, pictures: bool, mask: bool) -> str:
        """Return where an input goes."""
        if not pictures:
            return self.generations
        return self.inpaint if mask and self.inpaint else self.edits

    @property
    def takes_several(self) -> bool:
        """Tell whether it takes more than one picture."""
        return self.pictures is not Sent.URL


_PATHS = ("generations", "edits", "inpaint", "check")
_TEXTS = ("header", "scheme", *_PATHS)
_WORDS = frozenset({"concurrency", "shape", "url", "inputs", "key", "pictures", "mask", "refused", "cost", *_TEXTS})


def gateway(name: str, item: Mapping[str, Any]) -> Gateway:
    """Read a gateway of the catalog; KeyError, TypeError or ValueError where it is none."""
    if item["shape"] != SHAPE:
        raise ValueError(f"the shape '{item['shape']}' is not known; there is '{SHAPE}'")
    if strange := sorted(set(item) - _WORDS):
        raise ValueError(f"a gateway has no {', '.join(strange)}; known are {', '.join(sorted(_WORDS))}")
    pictures = item.get("pictures", {"field": "image[]", "as": "form"})
    refused = item.get("refused")
    if "mask" in item and Sent(pictures["as"]) is Sent.FORM:
        raise ValueError("'mask' names a field of a document, and the pictures go as a form, which has its own")
    return Gateway(
        name=name,
        url=_public(item["url"]).rstrip("/") if "url" in item else None,
        inputs=frozenset(item["inputs"]),
        needs_key=bool(item.get("key", True)),
        pictures=Sent(pictures["as"]),
        picture_field=str(pictures["field"]),
        mask_field=_text("mask", item["mask"]) if "mask" in item else None,
        refused=(refused["field"], refused["value"]) if refused else None,
        cost={str(path): _unit(unit) for path, unit in item.get("cost", {}).items()},
        **{word: _text(word, item[word]) for word in _TEXTS if word in item},
    )


def _public(url: str) -> str:
    try:
        UrlPolicy().check_url(url)
    except FetchRefusedError as exc:
        raise ValueError(f"'url' cannot be called: {exc} An address in your network goes into ProviderUrls.") from exc
    return url


def _text(word: str, value: Any) -> str:
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        raise ValueError(f"'{word}' must be plain text, not {value!r}")
    if word in _PATHS and not value.startswith("/"):
        raise ValueError(f"'{word}' must be a path that starts with /, not {value!r}")
    return value


def _unit(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"a unit of 'cost' must be a number of US dollars up to 1, not {value!r}")
    return float(value)
