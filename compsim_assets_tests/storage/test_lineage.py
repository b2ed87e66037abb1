"""What a result was made from, and whether that still holds: notes, and everything behind them."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.storage.lineage import FOLDER, Lineage, Note, Notes, StaleResult, name_of
from compsim_assets.storage.results import MANIFESTS, Results, read_table
from compsim_assets_tests.science.strategies import examples


def make(results: Results, name: str, value: int, *inputs: str, **said: Any) -> None:
    """Publish a result that was made from these, as they are now."""
    asset, _, mode = name.partition("/")
    note = Note(inputs={each: results.content(each) for each in inputs}, **said)
    results.write_table(results.table(asset, mode or None), pa.table({"value": [value]}), note)


@pytest.fixture
def chain(results: Results) -> Results:
    """returns -> cutoffs of both modes -> clusters of both -> their comparison; features beside it."""
    make(results, "returns", 1)
    make(results, "pca_scores", 1)
    for mode in ("base", "rolling"):
        make(results, f"cutoffs/{mode}", 1, "returns")
        make(results, f"clusters/{mode}", 1, f"cutoffs/{mode}", "pca_scores")
    make(results, "mean_correlation", 1, "clusters/base", "clusters/rolling")
    return results


EVERYTHING = [
    "returns", "pca_scores", "cutoffs/base", "cutoffs/rolling", "clusters/base", "clusters/rolling", "mean_correlation",
]  # fmt: skip


def unusable(results: Results, settings: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Why, of those that are."""
    there = [name for name in EVERYTHING if results.content(name)]
    return {name: why for name in there if (why := results.why_unusable(name, settings))}


def test_everything_that_was_made_in_order_is_usable(chain: Results) -> None:
    assert unusable(chain) == {}
    for name in EVERYTHING:
        chain.require(name)


def test_what_is_made_again_and_the_same_changes_nothing(chain: Results) -> None:
    for name in EVERYTHING[:2]:
        make(chain, name, 1)
    assert unusable(chain) == {}


def test_a_change_reaches_all_that_is_made_from_it(chain: Results) -> None:
    make(chain, "returns", 2)
    assert unusable(chain) == {
        **{f"cutoffs/{mode}": "made from other returns than the present ones" for mode in ("base", "rolling")},
        **{
            f"clusters/{mode}": f"made from cutoffs/{mode}, which was made from other returns than the present ones"
            for mode in ("base", "rolling")
        },
        "mean_correlation": "made from clusters/base, which was made from cutoffs/base, which was made from other "
        "returns than the present ones",
    }


def test_what_lies_between_is_not_enough(chain: Results) -> None:
    make(chain, "returns", 2)
    make(chain, "clusters/base", 2, "cutoffs/base", "pca_scores")  # of cutoffs that are stale themselves
    assert set(unusable(chain)) == set(EVERYTHING) - {"returns", "pca_scores"}
    make(chain, "cutoffs/base", 1, "returns")  # the same as before, and of the present returns
    assert set(unusable(chain)) == {"cutoffs/rolling", "clusters/rolling", "mean_correlation"}


def test_one_mode_alone_is_stale_and_named(chain: Results) -> None:
    make(chain, "cutoffs/rolling", 2, "returns")
    assert unusable(chain) == {
        "clusters/rolling": "made from other cutoffs/rolling than the present ones",
        "mean_correlation": "made from clusters/rolling, which was made from other cutoffs/rolling than the present "
        "ones",
    }
    with pytest.raises(StaleResult, match=r"^clusters/rolling was made from other cutoffs/rolling than the present "):
        chain.require("clusters/rolling")
    with pytest.raises(StaleResult, match=r"materialize 'clusters' of rolling again"):
        chain.require("clusters/rolling")
    with pytest.raises(StaleResult, match=r"materialize 'mean_correlation' again"):
        chain.require("mean_correlation")


def test_all_that_changed_is_named(chain: Results) -> None:
    make(chain, "cutoffs/base", 2, "returns")
    make(chain, "pca_scores", 2)
    assert chain.why_unusable("clusters/base") == "made from other cutoffs/base and pca_scores than the present ones"


def test_what_is_gone_is_not_what_it_was(chain: Results) -> None:
    chain.table("cutoffs", "base").unlink()
    assert chain.why_unusable("clusters/base") == "made from other cutoffs/base than the present ones"
    chain.require("cutoffs/base")  # whoever opens it says that there is none
    with pytest.raises(FileNotFoundError, match="materialize 'cutoffs' first"):
        read_table(chain.table("cutoffs", "base"))


def test_what_is_back_is_what_it_was(chain: Results) -> None:
    make(chain, "returns", 2)
    make(chain, "returns", 1)
    assert unusable(chain) == {}


def test_a_setting_counts_for_what_it_took_part_in(results: Results) -> None:
    now = {"similarity": "auto", "drop_without_returns": False}
    make(results, "returns", 1)
    make(results, "cutoffs/base", 1, "returns", settings={"drop_without_returns": False})
    make(results, "clusters/base", 1, "cutoffs/base", settings={"similarity": "auto"})
    assert unusable(results, now) == {}
    assert unusable(results, {**now, "drop_without_returns": True}) == {
        "cutoffs/base": "made with drop_without_returns = False, and it is True now",
        "clusters/base": "made from cutoffs/base, which was made with drop_without_returns = False, and it is True now",
    }
    assert list(unusable(results, {**now, "similarity": "pairs"})) == ["clusters/base"]
    assert unusable(results) == {}, "where no settings are given, none is asked for"
    with pytest.raises(StaleResult, match="made with similarity = auto, and it is pairs now"):
        results.require("clusters/base", {**now, "similarity": "pairs"})


def test_config_code_and_source_are_noted_and_ask_for_nothing(results: Results) -> None:
    """Whether to make a result again for them is decided where runs are planned."""
    note = Note({}, {"similarity": "auto"}, {"seed": 3, "costs": [0.0, 10.0]}, "abc", "def")
    results.write_table(results.table("returns"), pa.table({"value": [1]}), note)
    assert results.note("returns") == note
    assert results.why_unusable("returns") == ""


def test_what_left_no_note_is_refused(chain: Results) -> None:
    pd.DataFrame({"value": [1]}).to_parquet(chain.table("returns"))
    why = "made by something that left no note of what it was made from"
    assert chain.why_unusable("returns") == why
    with pytest.raises(StaleResult, match=f"^returns was {why}: materialize 'returns' again"):
        chain.require("returns")
    assert chain.why_unusable("cutoffs/base") == "made from other returns than the present ones"


@pytest.mark.parametrize("asset", MANIFESTS)
def test_a_large_array_that_left_no_note_is_refused(results: Results, asset: str) -> None:
    results.array_folder(asset).mkdir(parents=True)
    for described in ({"content": "abc"}, {"n_reports": 3}, {}):
        (results.array_folder(asset) / MANIFESTS[asset]).write_text(json.dumps(described))
        with pytest.raises(StaleResult, match=f"{asset} was made by something that left no note"):
            results.require(asset)


def test_a_note_that_cannot_be_read_is_none(chain: Results) -> None:
    note = Notes(chain.folder).path("returns", chain.content("returns"))
    whole = note.read_text()
    for damaged in ("", whole[: len(whole) // 2], "[]", '{"inputs": {}, "more": 1}', "null"):
        note.write_text(damaged)
        assert chain.note("returns") is None
        assert "no note" in chain.why_unusable("returns")
        assert "which was made by something that left no note" in chain.why_unusable("mean_correlation")


def test_a_result_has_the_note_of_its_own_content(results: Results) -> None:
    """A file that was put in another's place is not what the note beside it says."""
    make(results, "returns", 1)
    make(results, "cutoffs/base", 1, "returns")
    other = Results(results.folder.parent / "other")
    make(other, "cutoffs/base", 2)
    results.table("cutoffs", "base").write_bytes(other.table("cutoffs", "base").read_bytes())
    assert results.note("cutoffs/base") is None
    assert "no note" in results.why_unusable("cutoffs/base")


def test_notes_of_replaced_results_go(results: Results) -> None:
    for value in (1, 2, 3):
        make(results, "clusters/base", value)
        make(results, "clusters/rolling", value)
    notes = [path.relative_to(results.folder / FOLDER) for path in (results.folder / FOLDER).rglob("*.json")]
    assert sorted(str(path.parent) for path in notes) == ["clusters/base", "clusters/rolling"]
    assert {path.stem for path in notes} == {results.content(f"clusters/{mode}") for mode in ("base", "rolling")}


def test_notes_are_beside_the_tables_and_change_no_byte_of_them(results: Results) -> None:
    make(results, "returns", 1)
    make(results, "pca_scores", 1, "returns")
    first = results.table("pca_scores").read_bytes()
    make(results, "returns", 2)
    make(results, "pca_scores", 1, "returns", code="other", config={"seed": 1})
    assert results.table("pca_scores").read_bytes() == first


def test_the_note_is_there_before_the_result(results: Results) -> None:
    """A writer that dies before it publishes leaves the last version with its own note, one that dies after it the
    new version with its own.
    """
    make(results, "returns", 1)
    make(results, "cutoffs/base", 1, "returns")
    first = results.content("cutoffs/base")
    make(results, "returns", 2)
    new = Note(inputs={"returns": results.content("returns")})

    def write_and_die(before: bool) -> None:
        """Die before the table is published, or before the last version's note goes."""
        place = "new_file" if before else "forget_notes"
        original, calls = getattr(Results, place), itertools.count()

        def step(self: Results, *arguments: Any) -> Any:
            # The note is written as a new file, too: it is the first one.
            if not before or next(calls) == 1:
                raise KeyboardInterrupt
            return original(self, *arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Results, place, step)
            with pytest.raises(KeyboardInterrupt):
                results.write_table(results.table("cutoffs", "base"), table, new)

    table = pa.table({"value": [2]})
    write_and_die(before=True)
    assert results.content("cutoffs/base") == first
    assert results.why_unusable("cutoffs/base") == "made from other returns than the present ones"
    write_and_die(before=False)
    assert results.content("cutoffs/base") != first
    assert results.why_unusable("cutoffs/base") == ""
    folder = Notes(results.folder).path("cutoffs/base", first).parent
    assert len(list(folder.iterdir())) == 2
    results.write_table(results.table("cutoffs", "base"), table, new)
    assert [path.stem for path in folder.iterdir()] == [results.content("cutoffs/base")]


def test_a_result_of_a_mode_has_a_name_of_its_own() -> None:
    assert (name_of("clusters"), name_of("clusters", "base")) == ("clusters", "clusters/base")


def test_each_result_behind_is_looked_at_once(results: Results) -> None:
    """A ladder of forty pairs has 2 ** 40 ways down."""
    notes = {"0": Note(), **{str(i): Note({str(j): "x" for j in (i - 1, i - 2) if j >= 0}) for i in range(1, 80)}}
    asked: list[str] = []

    def note(name: str) -> Note:
        asked.append(name)
        return notes[name]

    lineage = Lineage(lambda name: "x", note)
    assert lineage.why_unusable("79") == ""
    assert lineage.why_unusable("40") == ""
    assert sorted(asked, key=int) == [str(i) for i in range(80)]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, Note | None], dict[str, Any]]:
    """What some results hold now, their notes, and the present settings."""
    n = draw(st.integers(1, 9))
    contents, notes = {}, dict[str, Note | None]()
    settings = {"similarity": draw(st.sampled_from(["auto", "pairs"])), "drop": draw(st.booleans())}
    mostly = st.sampled_from([True] * 9 + [False])
    for i in range(n):
        contents[str(i)] = draw(st.sampled_from("abc")) if draw(mostly) else ""
        parents = draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True)) if i else []
        inputs = {str(j): contents[str(j)] if draw(mostly) else "z" for j in parents}
        chosen = draw(st.lists(st.sampled_from(list(settings)), unique=True))
        made_with = {name: settings[name] if draw(mostly) else "other" for name in chosen}
        notes[str(i)] = Note(inputs, made_with) if draw(mostly) else None
    return contents, notes, settings


def everything_behind(name: str, notes: Mapping[str, Note | None]) -> set[str]:
    """The result and all that it was made from, and what that was made from."""
    behind, names = set[str](), {name}
    while names - behind:
        behind |= names
        names = {each for one in behind if (note := notes[one]) for each in note.inputs}
    return behind


@examples(400)
@given(graphs())
def test_a_result_is_usable_if_all_behind_it_is_as_noted(
    graph: tuple[dict[str, str], dict[str, Note | None], dict[str, Any]],
) -> None:
    contents, notes, settings = graph

    def as_noted(name: str) -> bool:
        note = notes[name]
        return (
            note is not None
            and all(contents[each] == content for each, content in note.inputs.items())
            and all(settings[setting] == value for setting, value in note.settings.items())
        )

    lineage = Lineage(contents.__getitem__, notes.__getitem__, settings)
    for name in contents:
        expected = all(as_noted(each) for each in everything_behind(name, notes))
        assert (lineage.why_unusable(name) == "") is expected
        # Asked first or last, the answer is the same.
        assert lineage.why_unusable(name) == Lineage(contents.get, notes.get, settings).why_unusable(name)


NAMES = ("source", "left", "right", "both", "end")
PARENTS = {"left": ("source",), "right": ("source",), "both": ("left", "right"), "end": ("both", "source")}


def histories(contents: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[str, int]]]:
    """What somebody makes, one after the other; of the source, what it holds then."""
    return st.lists(st.tuples(st.sampled_from(NAMES), contents), max_size=25)


class World:
    """Results that are made from what is there, whatever it is, by one rule; at first all, in order."""

    def __init__(self, rule: Callable[[str, list[str]], str]) -> None:
        self.rule = rule
        self.contents: dict[str, str] = {}
        self.notes: dict[tuple[str, str], Note] = {}
        for name in NAMES:
            self.make(name, 0)

    def right(self, name: str) -> str:
        """What a result would hold if it were made now."""
        return self.rule(name, [self.contents[each] for each in PARENTS[name]])

    def make(self, name: str, given: int) -> None:
        content = self.right(name) if name in PARENTS else f"source {given}"
        self.contents[name] = content
        self.notes[name, content] = Note({each: self.contents[each] for each in PARENTS.get(name, ())})

    def is_usable(self, name: str) -> bool:
        lineage = Lineage(self.contents.__getitem__, lambda name: self.notes[name, self.contents[name]])
        return lineage.why_unusable(name) == ""

    def is_right(self, name: str) -> bool:
        """Whether it and everything behind it is what would be made now."""
        return name not in PARENTS or (
            self.contents[name] == self.right(name) and all(self.is_right(each) for each in PARENTS[name])
        )


@examples(300)
@given(histories(st.integers(0, 2)))
def test_what_is_usable_is_what_would_be_made_now(history: list[tuple[str, int]]) -> None:
    """With a rule that gives other results for other inputs both are the same."""
    world = World(lambda name, inputs: json.dumps([name, inputs]))
    for name, given_content in history:
        world.make(name, given_content)
        assert [world.is_usable(each) for each in NAMES] == [world.is_right(each) for each in NAMES]


@examples(300)
@given(histories(st.integers(0, 3)))
def test_what_is_usable_is_right_where_other_inputs_may_give_the_same(history: list[tuple[str, int]]) -> None:
    world = World(lambda name, inputs: name + str(sum(map(ord, "".join(inputs))) % 2))
    for name, given_content in history:
        world.make(name, given_content)
        assert all(world.is_right(each) for each in NAMES if world.is_usable(each))


def test_notes_are_compared_by_what_they_say() -> None:
    assert replace(Note({"a": "1"}), code="x") != Note({"a": "1"})
    assert json.loads(Notes.text(Note({"a": "1"}))) == {
        "inputs": {"a": "1"}, "settings": {}, "config": {}, "code": "", "source": "",
    }  # fmt: skip
