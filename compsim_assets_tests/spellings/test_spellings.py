"""One meaning: the same universe in any usual spelling gives the same tables, byte for byte."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, event, given, settings
from hypothesis import strategies as st

from compsim_assets.storage.results import content_hash
from compsim_assets.universe.check import check_folder
from compsim_assets.universe.intake.decisions import REFUSED
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.spellings.files import DECIDES, Files, real, sample, small, tables
from compsim_assets_tests.spellings.spellings import SPELLINGS, Spelling

REAL = Path(os.environ.get("COMPSIM_REAL_UNIVERSE") or Path(__file__).parents[3] / "shared" / "universe")


class Plain(dict[str, pa.Table]):
    """Tables, shown in a word where a test fails."""

    def __repr__(self) -> str:
        return "plain"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Plain:
    folder = tmp_path_factory.mktemp("plain")
    return Plain(tables(small().write(folder / "universe"), folder / "data"))


def numbers_of(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pylist(), dtype=float)


def assert_same(made: dict[str, pa.Table], plain: dict[str, pa.Table], exact: bool) -> None:
    assert set(made) == set(plain)
    for name, table in made.items():
        if content_hash(table) == content_hash(plain[name]):
            continue
        assert not exact, f"{name}: {table.slice(0, 3).to_pylist()} instead of {plain[name].slice(0, 3).to_pylist()}"
        assert table.schema.names == plain[name].schema.names
        for column in table.schema.names:
            if pa.types.is_nested(table[column].type) or pa.types.is_floating(table[column].type):
                np.testing.assert_allclose(numbers_of(table[column]), numbers_of(plain[name][column]), atol=1e-13)
            else:
                assert table[column].to_pylist() == plain[name][column].to_pylist()


@pytest.mark.parametrize("spelling", SPELLINGS, ids=lambda spelling: spelling.name)
def test_a_spelling_changes_nothing(spelling: Spelling, plain: dict[str, pa.Table], tmp_path: Path) -> None:
    files = small()
    spelling.change(files)
    names = DECIDES[spelling.table]
    made = tables(files.write(tmp_path / "universe"), tmp_path / "data", names, plain["descriptions"])
    assert_same(made, {name: plain[name] for name in names}, spelling.exact)


# One universe each, and one reading of it in plain spelling.
BASES: dict[str, Callable[[], Files]] = {"small": small, "sample": sample, "real": lambda: real(REAL)}


@pytest.fixture(scope="module", params=BASES)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Plain]:
    if request.param == "real" and not REAL.exists():
        pytest.skip("no real universe beside this repository")
    files, folder = BASES[request.param](), tmp_path_factory.mktemp(request.param)
    return files, Plain(tables(files.copy().write(folder / "universe"), folder / "data"))


def several() -> st.SearchStrategy[list[Spelling]]:
    """At most one spelling of each part."""
    return st.lists(st.sampled_from(SPELLINGS), min_size=2, max_size=8, unique_by=lambda spelling: spelling.part)


@given(spellings=several())
# Smaller examples would take minutes to look for; the spellings of one are few.
@settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate])
def test_several_spellings_together_change_nothing(
    spellings: list[Spelling], base: tuple[Files, Plain], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Or one clear refusal, where two of them contradict each other; never a third thing."""
    files, plain = base[0].copy(), base[1]
    folder = tmp_path_factory.mktemp("several")
    # Rows come first. Files are written last, and names change after what is in the columns.
    order = {"rows": -1, "names": 1, "file": 2}
    some = [spelling for spelling in spellings if spelling.table in files.frames]
    for spelling in sorted(some, key=lambda s: order.get(s.part.rpartition(" ")[2], 0)):
        spelling.change(files)
    exact = all(spelling.exact for spelling in some)
    try:
        made = tables(files.write(folder / "universe"), folder / "data")
    except UniverseError as problem:
        event(f"refused: {problem}")
        return
    assert_same(made, plain, exact)
    assert [row for row in check_folder(folder / "universe") if row.grade == REFUSED] == []


def test_there_are_enough_spellings() -> None:
    assert len({spelling.name for spelling in SPELLINGS}) == len(SPELLINGS) >= 40


def test_a_change_of_meaning_is_seen(plain: dict[str, pa.Table], tmp_path: Path) -> None:
    """The comparison can fail."""
    files: Files = small()
    files.frames["reports"].loc[3, "sic_code"] = "2835"
    with pytest.raises(AssertionError, match="descriptions"):
        assert_same(tables(files.write(tmp_path / "universe"), tmp_path / "data"), plain, exact=True)
