"""Search in the catalog: tools and models by the words of a query, the best first."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from atelier.catalog.model import Catalog, Model, Tool

EXACT_SLUG, WHOLE_WORD, BEGINNING = 1_000, 2, 1
NAME, DESCRIPTION, TOOL = 9, 3, 1
"""A word counts so many times as much in a name or slug, in a description, and in what a model's tool says."""
_WORD = re.compile(r"\w+")


class Found(NamedTuple):
    """A tool, and those of its models that were meant, the best first."""

    tool: Tool
    models: tuple[Model, ...]


def search(query: str, catalog: Catalog) -> list[Found]:
    """List what holds every word of a query, or a word that begins with it, in its slug, name or description.

    Case and accents don't matter. What the tool says counts for its models too.
    """
    wanted, slug = _words(query), query.strip().casefold()
    ranked = []
    for tool in catalog.tools.values():
        models = {model.slug: model for model in catalog.models_of(tool)}
        of_tool = [(words, TOOL) for words, _ in _texts(tool)]
        scores = {name: _score(wanted, slug, name, [*_texts(model), *of_tool]) for name, model in models.items()}
        own = _score(wanted, slug, tool.slug, _texts(tool))
        meant = sorted((name for name in models if scores[name]), key=lambda name: -scores[name])
        if own or meant:
            ranked.append((max(own, *scores.values(), 0), Found(tool, tuple(models[name] for name in meant))))
    return [found for _, found in sorted(ranked, key=lambda item: -item[0])]


def _texts(item: Tool | Model) -> list[tuple[frozenset[str], int]]:
    return [(_words(item.slug), NAME), (_words(item.name), NAME), (_words(item.description), DESCRIPTION)]


def _score(wanted: frozenset[str], query: str, slug: str, texts: Sequence[tuple[frozenset[str], int]]) -> int:
    """Weigh a thing against a query; 0 where a word is missing."""
    weights = [max(_weight(word, words) * weight for words, weight in texts) for word in wanted]
    if not all(weights):
        return 0
    return sum(weights) + (EXACT_SLUG if query == slug.casefold() else 0)


def _weight(word: str, words: frozenset[str]) -> int:
    if word in words:
        return WHOLE_WORD
    return BEGINNING if any(other.startswith(word) for other in words) else 0


def _words(text: str) -> frozenset[str]:
    """Take a text's words, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return frozenset(_WORD.findall(plain.casefold()))
