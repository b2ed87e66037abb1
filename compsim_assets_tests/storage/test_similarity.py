"""Scores and pairs answer the same questions, with the same answers where the pairs are those of the scores."""

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.contracts import TABLES
from compsim_assets.science.linkage.years import link_years
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.pairs import PairTable, write_pairs
from compsim_assets.storage.results import Results
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity, open_similarity

YEARS = {2001: 6, 2002: 5}
PAIRS = ("report_a", "report_b", "cosine", "correlation")
PEERS = ["report_id", "year", "rank", "peer_id", "cosine"]


def public(kind: type) -> dict[str, object]:
    """What callers may use, with its parameters."""
    members = {name: value for name, value in vars(kind).items() if not name.startswith("_")}
    return {name: inspect.signature(value) if inspect.isfunction(value) else None for name, value in members.items()}


def test_they_have_one_interface() -> None:
    assert public(ScoreSimilarity) == public(PairSimilarity)


@pytest.fixture
def returns() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    year = np.repeat(list(YEARS), list(YEARS.values()))
    monthly = list(rng.normal(size=(len(year), 12)))
    return pd.DataFrame({"report_id": 10 + np.arange(len(year)), "year": year, "returns": monthly})


def companies(reports: pd.DataFrame, cik: list[str] | None = None) -> pd.DataFrame:
    """Who is who: a company for each report, or those of these numbers."""
    who = reports[["report_id", "year"]].assign(cik=cik or reports["report_id"].astype(str))
    return who.assign(ticker=None, company_name=None)


Handles = tuple[ScoreTable, PairTable]


@pytest.fixture
def handles(results: Results, returns: pd.DataFrame) -> Handles:
    """Scores of all reports, and all their pairs."""
    scores = np.random.default_rng(1).normal(size=(len(returns), 3)).astype(np.float32)
    ids, year = returns["report_id"].to_numpy(), returns["year"].to_numpy()
    table = pa.table({"report_id": ids, "year": year, "scores": list_column(scores)})
    results.write_table(results.table("pca_scores"), table)
    unit = scores / np.linalg.norm(scores.astype(float), axis=1, keepdims=True)
    a, b = np.triu_indices(len(ids), 1)
    a, b = a[year[a] == year[b]], b[year[a] == year[b]]
    correlation = np.corrcoef(np.stack(returns["returns"].to_list()))[a, b]
    columns = {"report_a": ids[a], "report_b": ids[b], "cosine": (unit @ unit.T)[a, b], "correlation": correlation}
    with results.new_file(results.table("published_pairs")) as aside:
        write_pairs(aside, year[a], columns, {})
    return ScoreTable(results.table("pca_scores")), PairTable(results.table("published_pairs"))


@pytest.fixture
def both(handles: Handles, returns: pd.DataFrame) -> tuple[ScoreSimilarity, PairSimilarity]:
    who = companies(returns)
    return ScoreSimilarity(handles[0], who), PairSimilarity(handles[1], who)


def test_scores_are_compared_where_there_are_any(handles: Handles, returns: pd.DataFrame, tmp_path: Path) -> None:
    scores, pairs = handles
    nothing = ScoreTable(tmp_path / "none.parquet")
    pq.write_table(TABLES["pca_scores"].empty(), nothing.path)
    write_pairs(tmp_path / "pairs.parquet", np.empty(0, np.int64), dict.fromkeys(PAIRS, np.empty(0)), {})
    no_pairs = PairTable(tmp_path / "pairs.parquet")
    assert open_similarity(scores, pairs, returns).worker_input == {"scores": str(scores.path)}
    assert open_similarity(nothing, pairs, returns).worker_input == {"pairs": str(pairs.path)}
    assert open_similarity(nothing, no_pairs, returns).name == "features"
    assert open_similarity(scores, no_pairs, returns).name == "features"


def test_both_give_the_same_answers(both: tuple[ScoreSimilarity, PairSimilarity], returns: pd.DataFrame) -> None:
    reports = [similarity.reports(returns, False) for similarity in both]
    pd.testing.assert_frame_equal(*(table.sort_values("report_id", ignore_index=True) for table in reports))
    peers = [pd.concat(map(pd.DataFrame, similarity.nearest_peers(3)))[PEERS] for similarity in both]
    pd.testing.assert_frame_equal(*peers, check_index_type=False, rtol=1e-6)
    groups = {"thirds": returns[["year", "report_id"]].assign(cluster_id=returns["report_id"] % 3)}
    by_year = [similarity.correlation_by_year(groups, returns) for similarity in both]
    pd.testing.assert_frame_equal(by_year[0][list(by_year[1])], by_year[1], rtol=1e-6)
    linked = reports[0].sort_values("report_id", ignore_index=True)
    trees = link_years(both[0]._scores.read()[2], linked["year"].to_numpy())
    curves, of_pairs = (similarity.curves(trees, linked, returns) for similarity in both)
    assert list(curves) == list(of_pairs) == list(YEARS)
    for year, curve in curves.items():
        for name, values in vars(curve).items():
            np.testing.assert_allclose(values, vars(of_pairs[year])[name], rtol=1e-5, atol=1e-6)
        of_year = returns[returns["year"] == year]
        ids, monthly = of_year["report_id"].to_numpy(), np.stack(of_year["returns"].to_list())
        matrices = [similarity.correlation_of(year, ids, monthly, ids) for similarity in both]
        np.testing.assert_allclose(*matrices, rtol=1e-9, atol=1e-12)


def test_both_give_the_same_peers_within_groups(
    both: tuple[ScoreSimilarity, PairSimilarity], returns: pd.DataFrame
) -> None:
    ids = returns["report_id"]
    group = pd.Series(["a" if i % 2 else "b" for i in ids], index=ids, dtype="string").mask(ids.isin([14]).to_numpy())
    peers = [pd.concat(map(pd.DataFrame, similarity.nearest_peers(9, group)))[PEERS] for similarity in both]
    peers = [table.sort_values(["report_id", "rank"], ignore_index=True) for table in peers]
    pd.testing.assert_frame_equal(*peers, rtol=1e-6)
    assert (group[peers[0]["report_id"]].to_numpy() == group[peers[0]["peer_id"]].to_numpy()).all()
    assert 14 not in set(peers[0]["report_id"])
    assert len(peers[0]) > len(ids)
    year = returns.set_index("report_id")["year"]
    shares, correlations = [], []
    for similarity, table in zip(both, peers, strict=True):
        of_year = year[table["report_id"]].to_numpy()
        shares.append(similarity.share_below(of_year, table["cosine"].to_numpy()))
        ends = (table[name].to_numpy() for name in ("report_id", "peer_id"))
        correlations.append(similarity.pair_correlations(*ends, of_year, returns))
    assert shares[0] == pytest.approx(shares[1])
    assert (shares[0] >= 0).all()
    assert (shares[0] < 1).all()
    assert len(set(shares[0])) > 5
    np.testing.assert_allclose(*correlations, rtol=1e-9, atol=1e-12)
    assert np.isfinite(correlations[0]).any()


def test_reports_without_defined_returns_are_left_out_where_that_is_asked(
    both: tuple[ScoreSimilarity, PairSimilarity], returns: pd.DataFrame
) -> None:
    returns.at[2, "returns"] = np.full(12, np.nan)
    assert both[0].reports(returns, True)["report_id"].tolist() == [i for i in returns["report_id"] if i != 12]


def test_reports_at_the_origin_are_left_out_and_named(results: Results, returns: pd.DataFrame) -> None:
    scores = np.random.default_rng(1).normal(size=(len(returns), 3)).astype(np.float32)
    scores[[3, 8]] = 0.0
    ids, year = (returns[name].to_numpy() for name in ("report_id", "year"))
    table = pa.table({"report_id": ids[::-1], "year": year[::-1], "scores": list_column(scores[::-1].copy())})
    results.write_table(results.table("pca_scores"), table)
    similarity = ScoreSimilarity(ScoreTable(results.table("pca_scores")), companies(returns))
    assert similarity.without_content() == [13, 18]
    assert sorted(similarity.reports(returns, False)["report_id"]) == [i for i in range(10, 21) if i not in (13, 18)]
    peers = pd.concat(map(pd.DataFrame, similarity.nearest_peers(9)))
    assert not {13, 18} & {*peers["report_id"], *peers["peer_id"]}
    assert len(peers) == 5 * 4 + 4 * 3


def test_both_know_the_reports_of_one_company(handles: Handles, returns: pd.DataFrame) -> None:
    """Reports 10 and 12 are of one company, and so are 17 and 19; where no year has two, companies do not matter."""
    who = companies(returns, [{12: "0010", 19: "17.0"}.get(i, str(i)) for i in returns["report_id"]])
    groups = {"all": returns[["year", "report_id"]].assign(cluster_id=1)}
    for similarity in (ScoreSimilarity(handles[0], who), PairSimilarity(handles[1], who)):
        by_year = similarity.correlation_by_year(groups, returns)
        with_own = similarity.correlation_by_year(groups, returns, own_pairs=True)
        for year, row, whole in zip(YEARS, by_year.to_dict("records"), with_own.to_dict("records"), strict=True):
            monthly = np.stack(returns.loc[returns["year"] == year, "returns"].to_list())
            rho = np.corrcoef(monthly)
            first, second = (0, 2) if year == 2001 else (1, 3)
            listed = [
                rho[a, b] for a, b in zip(*np.triu_indices(len(rho), 1), strict=True) if (a, b) != (first, second)
            ]
            assert row["mean_correlation"] == pytest.approx(np.mean(listed))
            assert (row["n_pairs"], whole["n_pairs"]) == (len(listed), len(listed) + 1)
            assert row["n_reports"] == whole["n_reports"] == len(rho)
        peers = pd.concat(map(pd.DataFrame, similarity.nearest_peers(9)))
        assert (10, 12) not in set(zip(peers["report_id"], peers["peer_id"], strict=True))
        assert len(peers) == 6 * 5 + 5 * 4 - 4
    single = who[~who["report_id"].isin([12, 19])]
    assert ScoreSimilarity(handles[0], single).company is None
