"""Search in the catalog: tools and models by the words of a query, the best first."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from atelier.catalog.model import Catalog, Model, Tool

EXACT_SLUG, EACH_WORD, WHOLE_WORD, BEGINNING = 1_000, 100, 2, 1
NAME, DESCRIPTION, TOOL = 9, 3, 1
"""A word counts so many times as much in a name or slug, in a description, and in what a model's tool says."""
_WORD = re.compile(r"\w+")


class Found(NamedTuple):
    """A tool, and those of its models that were meant, the best first."""

    tool: Tool
    models: tuple[Model, ...]


def search(query: str, catalog: Catalog) -> list[Found]:
    """List what holds any word of a query, or a word that begins with it, the best first.

    Slugs, aliases, names, descriptions and a tool's keywords are looked through; what the tool says counts for its
    models too. Case, accents and plurals do not matter. More of the query's words weigh more than one word's place.
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
    names = " ".join((item.slug, item.name, *item.aliases))
    keywords = item.keywords if isinstance(item, Tool) else ""
    return [(_words(names), NAME), (_words(f"{item.description} {keywords}"), DESCRIPTION)]


def _score(wanted: frozenset[str], query: str, slug: str, texts: Sequence[tuple[frozenset[str], int]]) -> int:
    """Weigh a thing against a query; 0 where no word is found."""
    weights = [max(_weight(word, words) * weight for words, weight in texts) for word in wanted]
    found = sum(weight > 0 for weight in weights)
    return sum(weights) + found * EACH_WORD + (EXACT_SLUG if query == slug.casefold() else 0) if found else 0


def _weight(word: str, words: frozenset[str]) -> int:
    if word in words:
        return WHOLE_WORD
    return BEGINNING if any(other.startswith(word) for other in words) else 0


def _words(text: str) -> frozenset[str]:
    """Take a text's words, without case, accents and plural endings."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return frozenset(map(_singular, _WORD.findall(plain.casefold())))


def _singular(word: str) -> str:
    """Cut off a plural's ending, so that "images" finds "image"."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
