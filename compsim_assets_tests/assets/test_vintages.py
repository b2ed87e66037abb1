"""Models of their time: each year is judged with the newest model that is older than its reports, and by no other."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.vintages import VintageFeatures
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.assets import vintage_universes as made
from compsim_assets_tests.assets.test_walk_forward import TABLES, materialize
from compsim_assets_tests.runs import Local, once


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Read only."""

    def make(folder: Path) -> None:
        made.write_texts(folder / "universe")
        made.write_models(folder / "universe")
        made.write_vintages(folder / "universe", *made.VINTAGES)
        made.walked(folder)

    return Local(once(tmp_path_factory, "vintages", make))


def of_year(run: Local, name: str, year: int) -> pd.DataFrame:
    table = run.read(name)
    table = table[table["year"] == year].reset_index(drop=True)
    return table.drop(columns="knowledge") if "knowledge" in table else table


@pytest.mark.parametrize(("year", "vintage"), [(2007, 2005), (2008, 2007)])
def test_a_year_is_as_if_there_were_its_vintage_and_no_later_report(
    run: Local, tmp_path: Path, year: int, vintage: int
) -> None:
    """The whole chain on the universe cut after the year, with the one model: the same bits."""
    made.write_texts(tmp_path / "universe", until=year)
    (tmp_path / "universe" / "models").symlink_to(run.folder / "universe" / "models")
    made.write_one_model(tmp_path / "universe", vintage)
    alone = made.walked(tmp_path)
    for name in TABLES:
        table = of_year(run, name, year)
        assert len(table) == (1 if name == "walk_forward_cutoffs" else made.N_COMPANIES)
        pd.testing.assert_frame_equal(table, of_year(alone, name, year), check_exact=True)
    assert alone.read("walk_forward_cutoffs")["knowledge"].isna().all()


def test_the_tables_say_what_the_encoder_knows(run: Local) -> None:
    cutoffs = run.read("walk_forward_cutoffs").set_index("year")["knowledge"]
    assert {year: str(day) for year, day in cutoffs.items()} == {
        2006: "2005-12-31", 2007: "2005-12-31", 2008: "2007-12-31", 2009: "2008-12-31",
    }  # fmt: skip
    said = run.metadata("walk_forward_clusters")["encoder"]
    assert said == (
        "the encoder knows nothing later than its vintage, which is older than the year: 2006 to 2007 by that of "
        "2005-12-31, 2008 by that of 2007-12-31, 2009 by that of 2008-12-31"
    )


def test_every_vintage_but_the_last_has_features_of_the_years_that_it_needs(run: Local) -> None:
    vintages = VintageFeatures(run.results.array_folder("vintage_features"))
    newest = FeatureShards(run.results.array_folder("sae_features"))
    assert newest.manifest["knowledge"] == "2008-12-31"
    parts = list(vintages.shards(newest))
    assert [(v.knowledge, v.years) for v, _ in parts if v] == [
        ("2005-12-31", [2006, 2007]), ("2007-12-31", [2008]), ("2008-12-31", [2009]),
    ]  # fmt: skip
    sizes = [len(shards.report_id) for _, shards in parts]
    assert sizes == [made.N_COMPANIES * years for years in (7, 8, 9)]
    first = [shards.rows(np.arange(3)) for _, shards in parts]
    assert not any(np.array_equal(one, other) for one, other in pairwise(first))
    assert "90 texts by 2 earlier vintages, 0 of them there already; 90 texts are read" in said_cost(run)


def said_cost(run: Local) -> str:
    return str(run.metadata("vintage_features")["cost"])


def test_what_comes_later_changes_no_bit(run: Local, tmp_path: Path) -> None:
    """Other texts and returns after 2007, and other models later than that of 2005: none of them takes part before."""
    made.write_texts(tmp_path / "universe", after=2007)
    made.write_models(tmp_path / "universe", {2007: 1, 2008: 2, 2010: 3})
    made.write_vintages(tmp_path / "universe", *made.VINTAGES)
    other = made.walked(tmp_path)
    for name in TABLES:
        for year in (2006, 2007):
            pd.testing.assert_frame_equal(of_year(run, name, year), of_year(other, name, year), check_exact=True)
    assert not of_year(run, "walk_forward_scores", 2008).equals(of_year(other, "walk_forward_scores", 2008))


def test_an_earlier_years_model_does_matter(run: Local, tmp_path: Path) -> None:
    """The bits that later vintages leave alone are not constants."""
    made.write_texts(tmp_path / "universe")
    made.write_models(tmp_path / "universe", {2005: 1})
    made.write_vintages(tmp_path / "universe", *made.VINTAGES)
    other = made.walked(tmp_path)
    cutoffs = [each.read("walk_forward_cutoffs").set_index("year")["distance"] for each in (run, other)]
    assert (cutoffs[0] != cutoffs[1]).tolist() == [True, True, False, False]


def test_an_sae_is_trained_for_each_vintage_and_knows_no_later_text(tmp_path: Path) -> None:
    runs = []
    for after in (2009, 2007):
        folder = tmp_path / str(after)
        made.write_texts(folder / "universe", after=after)
        made.write_models(folder / "universe", {} if after == 2009 else {2008: 1})
        made.write_trained(folder / "universe", 2005, 2008)
        runs.append(made.walked(folder, "sparse_autoencoder", "sae_training"))
    one, other = runs
    for name in TABLES:
        for year in (2006, 2007):
            pd.testing.assert_frame_equal(of_year(one, name, year), of_year(other, name, year), check_exact=True)
    assert not of_year(one, "walk_forward_scores", 2009).equals(of_year(other, "walk_forward_scores", 2009))
    vintages = VintageFeatures(one.results.array_folder("vintage_features"))
    assert [v.sae for v in vintages.vintages] == [f"trained on texts up to {year}" for year in (2005, 2008)]
    checkpoint = vintages.folder / "2005-12-31" / "sae.safetensors"
    assert checkpoint.read_bytes() != (one.results.array_folder("sparse_autoencoder") / checkpoint.name).read_bytes()
    assert said_cost(one).endswith("; before that 1 SAEs are trained")


def test_a_vintage_that_is_there_is_not_extracted_again(run: Local, tmp_path: Path) -> None:
    run.copy(tmp_path)
    (tmp_path / "universe").symlink_to(run.folder / "universe")
    again = Local(tmp_path)
    materialize(again, ["vintage_features"])
    assert said_cost(again) == "90 texts by 2 earlier vintages, 2 of them there already"
    assert again.results.content("vintage_features") == run.results.content("vintage_features")
    assert not (again.results.folder / ".vintages").exists()


def test_after_a_failure_finished_vintages_are_kept(
    run: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compsim_assets.assets import vintages as module

    run.copy(tmp_path)
    (tmp_path / "universe").symlink_to(run.folder / "universe")
    again = Local(tmp_path)
    again.results.array_folder("vintage_features").unlink()
    extract, asked = module.extract, []

    def second_fails(context, models, *rest):
        asked.append(models.model)
        if len(asked) == 2:
            raise RuntimeError("the machine is gone")
        return extract(context, models, *rest)

    monkeypatch.setattr(module, "extract", second_fails)
    with pytest.raises(RuntimeError, match="the machine is gone"):
        materialize(again, ["vintage_features"])
    materialize(again, ["vintage_features"])
    assert [Path(model).name for model in asked] == [f"tiny-bert-v1-{y}1231" for y in (2005, 2007, 2007)]
    assert "1 of them there already; 48 texts are read" in said_cost(again)
    assert again.results.content("vintage_features") == run.results.content("vintage_features")


def test_years_older_than_every_vintage_are_not_judged(run: Local, tmp_path: Path) -> None:
    made.write_texts(tmp_path / "universe")
    (tmp_path / "universe" / "models").symlink_to(run.folder / "universe" / "models")
    made.write_vintages(tmp_path / "universe", 2007, 2008)
    later = made.walked(tmp_path)
    assert sorted(later.read("walk_forward_cutoffs")["year"]) == [2008, 2009]
    pd.testing.assert_frame_equal(
        of_year(run, "walk_forward_scores", 2008), of_year(later, "walk_forward_scores", 2008), check_exact=True
    )
    assert later.metadata("vintage_features")["note"] == (
        "older than every vintage, not judged by walk-forward: 2006, 2007"
    )


def test_where_no_report_is_younger_than_a_vintage(run: Local, tmp_path: Path) -> None:
    made.write_texts(tmp_path / "universe")
    (tmp_path / "universe" / "models").symlink_to(run.folder / "universe" / "models")
    made.write_vintages(tmp_path / "universe", 2010)
    with pytest.raises(UniverseError, match=r"no report is younger.*2010-12-31.*of 2001 to 2009.*2008-12-31 or before"):
        made.walked(tmp_path)
