"""What answers say, against formulas report by report and plain looks at the tables."""

import copy
import dataclasses
import doctest
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import compsim_assets
from compsim_assets import answers
from compsim_assets.contracts import TABLES
from compsim_assets.explore import status as status_module
from compsim_assets.explore.cluster import cluster
from compsim_assets.explore.diff import diff
from compsim_assets.explore.explain import explain
from compsim_assets.explore.latents import latent, latents
from compsim_assets.explore.peers import peers
from compsim_assets.explore.questions import Unanswerable
from compsim_assets.explore.search import search
from compsim_assets.explore.tables import Tables
from compsim_assets.storage.lineage import Note, StaleResult
from compsim_assets.storage.reading import DamagedResult
from compsim_assets_tests.explore.worlds import N_LATENTS, PER_LINE, World


def test_peers_are_the_rows_of_the_scope(world: World, tables: Tables) -> None:
    answer = peers(tables, "KO", 2015)
    assert (answer.within, answer.note) == ("industry", "")
    assert set(answer.table["ticker"]) == {"MNST", "KDP"}  # PEP has no SIC code
    stored = world.tables["peers"].query("report_id == 2015000 and scope == 'industry'")
    assert answer.table["report_id"].tolist() == stored["peer_report_id"].tolist()
    assert answer.table["cosine"].tolist() == stored["cosine"].tolist()
    assert peers(tables, "KO", 2015, within="all", n=4).table["rank"].tolist() == [1, 2, 3, 4]


def test_without_an_industry_they_are_of_all_and_a_sector_is_offered(tables: Tables) -> None:
    answer = peers(tables, "PEP", 2015, n=50)
    assert (answer.within, len(answer.table)) == ("all", 11)
    assert "no SIC code in 2015" in answer.note
    assert "GICS sector is Consumer Staples: --within sector" in answer.note
    of_sector = peers(tables, "PEP", 2015, within="sector")
    assert sorted(of_sector.table["ticker"]) == ["KDP", "KO", "MNST"]
    assert of_sector.table["rank"].tolist() == [1, 2, 3]
    with pytest.raises(Unanswerable, match="no SIC code in 2015"):
        peers(tables, "PEP", 2015, within="industry")
    with pytest.raises(Unanswerable, match="within industry, sector, all, not within 'x'"):
        peers(tables, "PEP", 2015, within="x")


def test_reasons_that_are_stored_and_those_that_are_computed_are_the_same(world: World, tables: Tables) -> None:
    answer = peers(tables, "KO", 2015, within="all", why=True, n=11, n_reasons=4)
    assert answer.reasons is not None
    stored = set(world.tables["peer_explanations"].query("report_id == 2015000")["peer_report_id"])
    assert 0 < len(stored) < 11
    theme = np.append(world.tables["latent_themes"]["theme"].to_numpy(), -1)
    x = (world.features.astype(np.float64) - world.pca.mean) / world.pca.scale
    activity = np.stack([x[:, theme == number].sum(axis=1) for number in range(4)], axis=1)
    for row in answer.table.itertuples():
        parts = world.contributions(world.at("KO", 2015), world.at(row.ticker, 2015))
        sums = np.array([parts[theme == number].sum() for number in range(4)])
        reasons = answer.reasons[answer.reasons["peer_report_id"] == row.report_id]
        assert reasons["contribution"].is_monotonic_decreasing
        above = activity[[world.at("KO", 2015), world.at(row.ticker, 2015)]][:, reasons["theme"]] > 0
        assert reasons["present"].tolist() == [["neither", "one", "both"][n] for n in above.sum(axis=0)]
        np.testing.assert_allclose(reasons["contribution"], sums[reasons["theme"]], atol=1e-6)
        assert answer.covered(row.report_id) == pytest.approx(sums.sum() / row.cosine, abs=1e-5)


def test_any_two_reports_are_explained_exactly(world: World, tables: Tables) -> None:
    for first, second, year in (("KO", "PEP", 2015), ("KO", "JPM", 2016), ("MSFT", "ORCL", 2014)):
        answer = explain(tables, first, second, year, n=3)
        a, b = world.at(first, year), world.at(second, year)
        parts = world.contributions(a, b)
        assert answer.cosine == pytest.approx(world.cosine[a, b], abs=1e-6)
        assert answer.latents["contribution"].sum() + answer.rest == pytest.approx(answer.cosine, abs=1e-9)
        assert answer.themes["contribution"].sum() + answer.rest_of_themes == pytest.approx(answer.cosine, abs=1e-9)
        np.testing.assert_allclose(answer.latents["contribution"], parts[answer.latents["latent"]], atol=1e-6)
        assert abs(answer.latents["contribution"]).min() >= np.sort(abs(parts))[-3] - 1e-6
        assert answer.covered[0] == pytest.approx(answer.themes["contribution"].sum() / answer.cosine)
        assert "later ones too" in answer.note
    stored = explain(tables, *pair_that_is_stored(world), 2015)
    np.testing.assert_allclose(stored.themes["unusual"], stored.themes["contribution"] / 2, atol=1e-6)
    assert explain(tables, "KO", "JPM", 2015).themes["unusual"].isna().all()


def pair_that_is_stored(world: World) -> tuple[str, str]:
    """The peer first."""
    pair = world.tables["peer_explanations"].query("report_id // 1000 == 2015").iloc[0]
    ticker = world.descriptions.set_index("report_id")["ticker"]
    return ticker[pair["peer_report_id"]], ticker[pair["report_id"]]


def test_words_compare_by_their_latents_alone(world: World, tables: Tables) -> None:
    answer = peers(tables, "KO", 2015, within="all", about="bottling", n=50)
    assert answer.about is not None
    assert sorted(answer.about.latents["latent"]) == list(range(PER_LINE))
    a, some = world.at("KO", 2015), np.arange(PER_LINE)
    for row in answer.table.itertuples():
        b = world.at(row.ticker, 2015)
        together, first, second = (world.contributions(*pair)[some].sum() for pair in ((a, b), (a, a), (b, b)))
        assert min(first, second) > 0
        assert row.about == pytest.approx(together / np.sqrt(first * second), abs=1e-5)
        assert row.cosine == pytest.approx(world.cosine[a, b], abs=1e-6)
    assert answer.table["about"].is_monotonic_decreasing
    assert len(answer.table) + answer.about.undefined == 11
    with pytest.raises(Unanswerable, match=r"no latent has 'botling' in its label or terms: did you mean bottling\?"):
        peers(tables, "KO", 2015, about="botling")
    with pytest.raises(Unanswerable, match="no latent has 'steel'"):
        peers(tables, "KO", 2015, about="steel")


def test_a_latent_that_the_scores_leave_out_defines_no_cosine(world: World, tmp_path: Path) -> None:
    without = copy.deepcopy(world)
    without.pca.components[:, :PER_LINE] *= 0  # type: ignore[index]
    results = without.write(tmp_path / "sample")
    with pytest.raises(Unanswerable, match="not defined"):
        peers(Tables(results), "KO", 2015, about="bottling")


def test_what_changed_between_two_years(world: World, tables: Tables) -> None:
    answer = diff(tables, "KO", 2014, 2016, n=2)
    x = (world.features.astype(np.float64) - world.pca.mean) / world.pca.scale
    change = x[world.at("KO", 2016)] - x[world.at("KO", 2014)]
    assert answer.latents["latent"].tolist()[0] == change.argmax()
    assert change.argmin() in answer.latents["latent"].tolist()
    np.testing.assert_allclose(answer.latents["change"], change[answer.latents["latent"]])
    theme = np.append(world.tables["latent_themes"]["theme"].to_numpy(), -1)
    means = [change[theme == number].mean() for number in range(4)]
    np.testing.assert_allclose(answer.themes["change"], np.take(means, answer.themes["theme"]))
    assert not answer.same
    with pytest.raises(Unanswerable, match="two years"):
        diff(tables, "KO", 2014, 2014)


def test_peers_that_came_and_went(world: World, tmp_path: Path) -> None:
    table = world.tables["peers"]
    gone = (table["report_id"] == 2016000) & (table["scope"] == "industry") & (table["rank"] == 2)
    changed = copy.deepcopy(world)
    who = table[gone]["peer_report_id"].iloc[0]
    changed.tables["peers"] = table[~gone]
    results = changed.write(tmp_path / "sample")
    answer = diff(Tables(results), "KO", 2015, 2016)
    names = world.descriptions.set_index("report_id")["ticker"]
    assert (answer.came.empty, answer.went["ticker"].tolist()) == (True, [names[who]])


def test_two_reports_with_the_same_text_differ_in_nothing(world: World, tmp_path: Path) -> None:
    same = copy.deepcopy(world)
    same.features[same.at("KO", 2016)] = same.features[same.at("KO", 2015)]
    answer = diff(Tables(same.write(tmp_path / "sample")), "KO", 2015, 2016)
    assert answer.same
    assert answer.themes.empty
    assert answer.latents.empty


def test_a_cluster_has_its_profile_and_one_company_alone_none(tables: Tables) -> None:
    answer = cluster(tables, "KO", 2015)
    assert answer.members["ticker"].tolist() == ["KDP", "KO", "PEP"]  # as the profile has them
    assert answer.profile is not None
    assert answer.as_json()["overlap"] == 0.75
    alone = cluster(tables, "MNST", 2015)
    assert (alone.profile, alone.members["ticker"].tolist()) == (None, ["MNST"])
    with pytest.raises(FileNotFoundError, match="compsim materialize clusters --mode rolling"):
        cluster(tables, "KO", 2015, "rolling")


def test_a_latent_in_words(tables: Tables) -> None:
    answer = latent(tables, 3, n=2)
    assert (answer.theme, answer.twin, len(answer.reports), len(answer.windows)) == ("beverages", "beverages", 2, 1)
    assert answer.windows["tokens"].iloc[0][1:3] == [" bott", "ling"]
    assert answer.as_json()["quantiles"] == [0.1, 0.5, 1, 2, 4]
    assert latent(tables, N_LATENTS - 1).theme == ""
    assert latent(tables, N_LATENTS - 1).twin == "sugary drinks"  # a judge's label comes first
    for number in (-1, N_LATENTS):
        with pytest.raises(Unanswerable, match=f"no latent {number}: they are numbered 0 to 39"):
            latent(tables, number)


def test_words_are_beginnings_and_all_of_them_count(tables: Tables) -> None:
    assert set(latents(tables, "infra cloud")["latent"]) == set(range(10, 20))
    assert latents(tables, "loud").empty
    assert latents(tables, "cloud deposits").empty
    assert latents(tables, "LOANS")["latent"].iloc[0] == 20  # its terms tell its reports best
    assert latents(tables, "(").empty
    assert len(latents(tables)) == N_LATENTS
    assert latents(tables, "sugary")["latent"].tolist() == [0]  # a judge's word


def test_search_finds_companies_themes_and_latents(tables: Tables) -> None:
    answer = search(tables, "beverage")
    assert answer["kind"].tolist() == ["company", "theme", *["latent"] * 10]
    assert answer["label"].iloc[0] == "Monster Beverage Corp"
    assert search(tables, "ko")["number"].iloc[0] == "21344"
    for words in ("zzz", " "):
        with pytest.raises(Unanswerable):
            search(tables, words)


def test_search_falls_back_on_one_of_the_words(tables: Tables) -> None:
    both = search(tables, "beverage steel")
    assert set(both["words"]) == {"beverage"}
    alone = search(tables, "beverage")
    assert both[["kind", "number"]].to_numpy().tolist() == alone[["kind", "number"]].to_numpy().tolist()


def test_status_says_what_is_there_and_what_is_of_the_past(world: World, tmp_path: Path) -> None:
    results = world.write(tmp_path / "sample")
    assert set(status_module.status(Tables(results))["out_of_date"]) == {""}
    old = Note(inputs={"pca_scores": "another"})
    results.write_table(results.table("peers"), TABLES["peers"].typed(world.tables["peers"].iloc[:7]), old)
    results.table("themes").write_bytes(b"PAR1 no more")
    rows = status_module.status(Tables(results), {"latents": "its code changed"}).set_index("result")
    assert rows.loc["peers", "rows"] == 7
    assert rows.loc["peers", "out_of_date"] == "made from other pca_scores than the present ones"
    assert rows.loc["latents", "out_of_date"] == "its code changed"
    assert "damaged" in rows.loc["themes", "out_of_date"]
    assert len(rows) == 14


def test_what_is_missing_says_how_to_make_it(world: World, tmp_path: Path) -> None:
    results = world.write(tmp_path / "sample")
    for name, ask in {
        "peers": lambda tables: peers(tables, "KO"),
        "peer_explanations": lambda tables: peers(tables, "KO", why=True),
        "themes": lambda tables: explain(tables, "KO", "PEP"),
        "latent_windows": lambda tables: latent(tables, 1),
        "descriptions": lambda tables: search(tables, "cloud"),
    }.items():
        path = results.table(name)
        path.rename(aside := tmp_path / "aside")
        with pytest.raises(FileNotFoundError, match=f"no '{name}' yet: `compsim materialize {name}` makes it"):
            ask(Tables(results))
        aside.rename(path)


def test_what_was_made_from_something_else_is_refused(world: World, tmp_path: Path) -> None:
    results = world.write(tmp_path / "sample")
    results.write_note("pca", results.content("pca"), Note(inputs={"sae_features": "another"}))
    with pytest.raises(StaleResult, match="pca was made from other sae_features"):
        explain(Tables(results), "KO", "PEP")


def test_damage_is_noticed_in_tables_and_between_features_axes_and_scores(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = world.write(tmp_path / "sample")
    content = bytearray(results.table("peers").read_bytes())
    content[100] ^= 1
    results.table("peers").write_bytes(content)
    with pytest.raises(DamagedResult, match="peers"):
        peers(Tables(results), "KO")
    monkeypatch.setattr("compsim_assets.storage.pca.WHOLE_BYTES", 0)  # as if it were too large to be read as a whole
    path = results.array_folder("pca").resolve() / "pca.safetensors"
    content = bytearray(path.read_bytes())
    axes = Tables(results).pca().axes()
    content[axes.offset + 4 * 7 + 3] ^= 0x40  # an exponent of one axis
    path.write_bytes(content)
    with pytest.raises(DamagedResult, match="do not fit each other"):
        explain(Tables(results), "KO", "PEP", 2015)


def test_published_pairs_have_peers_and_no_reasons(world: World, tmp_path: Path) -> None:
    results = world.write(tmp_path / "sample")
    results.write_table(results.table("pca_scores"), TABLES["pca_scores"].empty(), Note())
    pair = {"report_a": [2015000], "report_b": [2015001], "year": [2015], "cosine": [0.5], "correlation": [0.1]}
    results.write_table(results.table("published_pairs"), TABLES["published_pairs"].typed(pair), Note())
    tables = Tables(results)
    answer = peers(tables, "KO", 2015, why=True)
    assert "no reasons" in answer.caution
    assert answer.reasons is not None
    assert answer.reasons.empty
    assert len(answer.table) == 2
    told = explain(tables, "PEP", "KO", 2015)
    assert (told.cosine, told.themes.empty, told.rest) == (0.5, True, 0.5)
    assert "no reasons" in told.note
    assert "no reasons" in " ".join(text.get_text() for text in told.plot().texts).replace("\n", " ")
    with pytest.raises(Unanswerable, match="no published pair of 2015"):
        explain(tables, "KO", "MNST", 2015)
    with pytest.raises(Unanswerable, match="published pairs"):
        peers(tables, "KO", 2015, about="bottling")
    assert diff(tables, "KO", 2014, 2015).themes.empty


def test_a_report_without_features_is_named(world: World, tmp_path: Path) -> None:
    results = world.write(tmp_path / "sample")
    scores = tmp_path / "scores.parquet"
    results.table("pca_scores").rename(scores)
    table = pa.parquet.read_table(scores)
    less = table.filter(pa.compute.not_equal(table["report_id"], 2015001)).replace_schema_metadata(None)
    results.write_table(results.table("pca_scores"), less, Note())
    with pytest.raises(Unanswerable, match="report 2015001 has no features"):
        explain(Tables(results), "KO", "PEP", 2015)


def test_a_figure_shows_the_themes(tables: Tables) -> None:
    answer = explain(tables, "KO", "PEP", 2015, n=3)
    hostile = answer.themes.assign(label=["$x$", "a" * 200, "b\x1b\n"])
    figure = dataclasses.replace(answer, themes=hostile, synthetic=True).plot()
    (axes,) = figure.get_axes()
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [*answer.themes["contribution"], answer.rest_of_themes]
    assert axes.get_yticklabels()[0].get_text() == "$x$"
    assert any("SYNTHETIC" in text.get_text() for text in figure.texts)


def test_the_examples_of_the_python_interface_hold(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(answers)
    assert (result.failed, result.attempted > 6) == (0, True)
    assert (tmp_path / "why.png").stat().st_size > 5000


def test_frames_have_named_columns(data: Path) -> None:
    table = compsim_assets.peers("KO", 2015, about="bottling", data=data)
    assert list(table) == [
        "rank", "ticker", "name", "cik", "report_id", "year", "about", "cosine", "percentile", "confidence",
        "peer_last_year", "next_year_correlation",
    ]  # fmt: skip
    assert table.attrs["within"] == "industry"
    assert isinstance(compsim_assets.explain("KO", "PEP", data=data).latents, pd.DataFrame)
    assert list(compsim_assets.latents(data=data)) == TABLES["latents"].names
    with pytest.raises(LookupError, match="no company"):
        compsim_assets.peers("nobody at all", data=data)


def test_the_examples_of_the_page_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "explore.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    monkeypatch.setenv("COMPSIM_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(block, {})
    assert (tmp_path / "why.png").exists()
