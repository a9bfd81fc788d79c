"""Search in the catalog."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.catalog.model import Catalog, Model, Tool, embedded
from atelier.catalog.search import Found, search
from tests.cases import each

SCHEMA = {"type": "object", "properties": {}}
PAINT = Tool("text-to-image", "Text to image", "Make a picture from words.", "image", SCHEMA)
SING = Tool("text-to-song", "Text to song", "Make a song.", "audio", SCHEMA)
relaxed = settings(deadline=None)


def a_model(slug: str, name: str, description: str, tool: Tool = PAINT) -> Model:
    return Model(slug, name, description, tool, deadline=1, cost=0, routes=())


def a_catalog(*models: Model) -> Catalog:
    return Catalog({model.slug: model for model in models}, {tool.slug: tool for tool in (PAINT, SING)})


CATALOG = a_catalog(
    a_model("creme", "Crème brûlée", "Sweet pictures."),
    a_model("flux-dev", "FLUX.1 dev", "More detail than schnell."),
    a_model("flux-schnell", "FLUX.1 schnell", "Quick."),
    a_model("chanson", "Chanson", "Songs with a picture of Élise.", SING),
)
CATALOGS = st.sampled_from([CATALOG, embedded()])
QUERIES = st.text(max_size=30) | st.sampled_from(
    sorted({word for item in embedded().models.values() for word in item.description.split()})
)


def slugs(found: list[Found]) -> list[tuple[str, list[str]]]:
    """Name what was found."""
    return [(tool.slug, [model.slug for model in models]) for tool, models in found]


def text(*items: Tool | Model) -> str:
    """Return all that things say of themselves, as it is compared."""
    joined = " ".join(f"{item.slug} {item.name} {' '.join(item.aliases)} {item.description}" for item in items)
    joined += " ".join(item.keywords for item in items if isinstance(item, Tool))
    return "".join(c for c in unicodedata.normalize("NFKD", joined.casefold()) if not unicodedata.combining(c))


@each(
    ("query", "found"),
    [
        ("schnell", [("text-to-image", ["flux-schnell", "flux-dev"])]),  # a name counts for more than a description
        ("flux", [("text-to-image", ["flux-dev", "flux-schnell"])]),
        ("flux-schnell", [("text-to-image", ["flux-schnell", "flux-dev"])]),
        ("FLUX dev", [("text-to-image", ["flux-dev", "flux-schnell"])]),  # more words weigh more
        ("flu", [("text-to-image", ["flux-dev", "flux-schnell"])]),
        ("creme BRULEE", [("text-to-image", ["creme"])]),
        ("crème", [("text-to-image", ["creme"])]),
        ("elise", [("text-to-song", ["chanson"])]),
        (
            "image flux quick",
            [("text-to-image", ["flux-schnell", "flux-dev", "creme"])],
        ),
        ("picture", [("text-to-image", ["creme", "flux-dev", "flux-schnell"]), ("text-to-song", ["chanson"])]),
        ("text-to-song", [("text-to-song", ["chanson"]), ("text-to-image", ["creme", "flux-dev", "flux-schnell"])]),
        ("pictures", [("text-to-image", ["creme", "flux-dev", "flux-schnell"]), ("text-to-song", ["chanson"])]),
        ("flux zeppelin", [("text-to-image", ["flux-dev", "flux-schnell"])]),
        ("zeppelin", []),
        ("lux", []),
        ("?!", []),
        ("", []),
    ],
)
def test_the_best_comes_first(query: str, found: list[tuple[str, list[str]]]) -> None:
    assert slugs(search(query, CATALOG)) == found


@each("query", ["generate image", "create image", "images", "photo", "create-image"])
def test_common_queries_find_the_tool_for_images(query: str) -> None:
    assert search(query, embedded())[0].tool.slug == "text-to-image"


@each(
    ("query", "tool"),
    [
        ("edit image", "edit-image"),
        ("inpainting", "inpaint"),
        ("expand", "outpaint"),
        ("enlarge", "upscale"),
        ("transparent background", "remove-background"),
        ("object eraser", "erase"),
    ],
)
def test_a_task_finds_its_tool(query: str, tool: str) -> None:
    assert search(query, embedded())[0].tool.slug == tool


@given(catalog=CATALOGS, data=st.data())
@relaxed
def test_an_exact_slug_is_found_first(catalog: Catalog, data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(list(catalog.models.values())))
    first = search(f" {model.slug.upper()} ", catalog)[0]
    assert (first.tool, first.models[0]) == (model.tool, model)


@given(catalog=CATALOGS, query=QUERIES)
@relaxed
def test_whatever_is_found_holds_a_word(catalog: Catalog, query: str) -> None:
    found = search(query, catalog)
    words = "".join(c if c.isalnum() or c == "_" else " " for c in text(a_model("", query, ""))).split()
    words = [word.removesuffix("s") for word in words]
    for tool, models in found:
        names = [model.slug for model in models]
        assert set(names) <= {model.slug for model in catalog.models_of(tool)}
        assert len(set(names)) == len(names)
        for model in models:
            assert any(word in text(model, tool) for word in words)
        if not models:
            assert any(word in text(tool) for word in words)


@given(catalog=CATALOGS, query=QUERIES)
@relaxed
def test_case_accents_and_the_order_of_words_do_not_matter(catalog: Catalog, query: str) -> None:
    found = slugs(search(query, catalog))
    assert slugs(search(unicodedata.normalize("NFD", query), catalog)) == found
    if query.casefold() not in {*catalog.models, *catalog.tools}:
        assert slugs(search(" ".join(reversed(query.split())), catalog)) == found
    if query.isascii():
        assert slugs(search(query.upper(), catalog)) == found


@given(catalog=CATALOGS, data=st.data())
@relaxed
def test_the_beginning_of_a_word_finds_what_the_word_finds(catalog: Catalog, data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(list(catalog.models.values())))
    word = data.draw(st.sampled_from(model.name.split()))
    beginning = word[: data.draw(st.integers(1, len(word)))]
    assert model.slug in {item.slug for _, models in search(beginning, catalog) for item in models}
