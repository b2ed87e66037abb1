"""Peers, reasons and themes of a tiny universe against its own features, axes and scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.storage.pca import Pca
from compsim_assets_tests.runs import Run, execute, once, platform, tiny_sample

ASSETS = ["themes", "latent_themes", "peers", "peer_explanations"]
GIVEN = ["descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores"]
N_EXPLAINED = 10


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A tiny sample with peers and reasons."""

    def make(folder: Path) -> None:
        with tiny_sample():
            assert execute(platform(Run(folder).settings), [*GIVEN, *ASSETS]).success

    return Run(once(tmp_path_factory, "reasons", make))


@pytest.fixture(scope="module")
def every(made: Run) -> pd.DataFrame:
    """All contributions of every explained pair, by brute force: a column per latent."""
    return _contributions(made, made.read("peer_explanations"))


def _contributions(run: Run, explained: pd.DataFrame) -> pd.DataFrame:
    arrays = Pca.of(run.results).arrays(["mean", "scale"])
    scores = run.read("pca_scores").set_index("report_id")["scores"]
    features = run.read("sae_features").set_index("report_id")["features"]
    z, x = np.stack(scores.to_list()).astype(float), np.stack(features.loc[scores.index].to_list()).astype(float)
    text = (x - arrays["mean"]) / arrays["scale"]
    # On all axes a projection gives back what is standardised: W from least squares, whatever was stored.
    reconstructed = z @ np.linalg.lstsq(z, text, rcond=None)[0]
    length = np.linalg.norm(z, axis=1, keepdims=True)
    text, reconstructed = text / length, reconstructed / length
    pairs = explained[["report_id", "peer_report_id"]].drop_duplicates()
    a, b = (scores.index.get_indexer(pairs[name]) for name in pairs)
    both = (text[a] * reconstructed[b] + text[b] * reconstructed[a]) / 2
    return pd.DataFrame(both, index=pd.MultiIndex.from_frame(pairs))


def _check_explanations(run: Run, every: pd.DataFrame) -> None:
    explained, peers = run.read("peer_explanations"), run.read("peers")
    keys = ["report_id", "peer_report_id"]
    near = peers[peers["rank"] <= N_EXPLAINED].drop_duplicates(keys).set_index(keys)["cosine"]
    sums = explained.groupby([*keys, "kind"])["contribution"].sum().unstack()
    assert sorted(sums.index) == sorted(near.index)
    assert len(near) > 500
    for kind in ("latent", "theme"):
        assert sums[kind].to_numpy() == pytest.approx(near.loc[sums.index].to_numpy(), abs=1e-6)
    assert every.sum(axis=1).to_numpy() == pytest.approx(near.loc[every.index].to_numpy(), abs=1e-6)
    theme = run.read("latent_themes").set_index("latent")["theme"].reindex(every.columns).fillna(-1).to_numpy()
    listed = explained[explained["number"] >= 0]
    values = every.loc[pd.MultiIndex.from_frame(listed[keys])].to_numpy()
    number = listed["number"].to_numpy()[:, None]
    of_theme = (listed["kind"] == "theme").to_numpy()[:, None]
    inside = np.where(of_theme, theme[None] == number, np.arange(len(theme))[None] == number)
    assert (values * inside).sum(axis=1) == pytest.approx(listed["contribution"].to_numpy(), abs=1e-6)
    assert set(explained["kind"]) == {"latent", "theme"}


def test_contributions_of_every_pair_are_those_of_the_formula(made: Run, every: pd.DataFrame) -> None:
    _check_explanations(made, every)
    strongest = made.read("peer_explanations").query("kind == 'latent' and number >= 0")
    first = strongest.groupby(["report_id", "peer_report_id"])["contribution"].max()
    assert first.to_numpy() == pytest.approx(every.loc[first.index].max(axis=1).to_numpy(), abs=1e-6)


def test_peers_of_both_scopes_are_the_nearest(made: Run) -> None:
    peers, scores = made.read("peers"), made.read("pca_scores").set_index("report_id")
    reports = made.read("descriptions").set_index("report_id")
    z = np.stack(scores["scores"].to_list()).astype(float)
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    cosine = pd.DataFrame(unit @ unit.T, index=scores.index, columns=scores.index)
    industry = reports["sic_code"].str.slice(0, 2)
    assert industry.isna().any()
    for (report, scope), listed in peers.groupby(["report_id", "scope"]):
        same = reports.index[(reports["year"] == reports["year"][report]) & (reports.index != report)]
        if scope == "industry":
            same = same[(industry[same] == industry[report]).fillna(False).to_numpy(dtype=bool)]
        expected = cosine.loc[report, same].sort_values(ascending=False)[:50]
        assert listed["rank"].tolist() == list(range(1, len(expected) + 1))
        assert listed["cosine"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-9)
    assert not peers[peers["scope"] == "industry"]["report_id"].isin(industry.index[industry.isna()]).any()
    assert set(peers["report_id"]) == set(reports.index)
    assert peers["confidence"].between(0, 1).all()
    assert (peers.loc[peers["percentile"].idxmax(), "rank"]) == 1
    of_first_year = reports["year"] == reports["year"].min()
    first = peers["report_id"].map(of_first_year)
    assert peers.loc[first, "peer_last_year"].isna().all()
    assert peers.loc[~first, "peer_last_year"].notna().any()
    last = peers["report_id"].map(reports["year"] == reports["year"].max())
    assert peers.loc[last, "next_year_correlation"].isna().all()
    assert peers.loc[~last, "next_year_correlation"].notna().mean() > 0.5


def test_next_years_correlation_is_that_of_the_returns(made: Run) -> None:
    peers, reports = made.read("peers"), made.read("descriptions").set_index("report_id")
    returns = made.read("returns").set_index("report_id")["returns"]
    report_of = {(row.cik, row.year): report for report, row in reports.iterrows()}
    some = peers[peers["next_year_correlation"].notna()].sample(40, random_state=0)
    for row in some.itertuples():
        after = [report_of[reports.cik[r], row.year + 1] for r in (row.report_id, row.peer_report_id)]
        expected = np.corrcoef(returns[after[0]], returns[after[1]])[0, 1]
        assert row.next_year_correlation == pytest.approx(expected, abs=1e-9)


def test_each_latent_that_varies_has_one_theme(made: Run) -> None:
    of_latents, themes = made.read("latent_themes"), made.read("themes")
    varies = np.stack(made.read("sae_features")["features"].to_list()).std(axis=0) > 0
    assert sorted(of_latents["latent"]) == np.flatnonzero(varies).tolist()
    sizes = of_latents.groupby("theme").size()
    assert themes.set_index("theme")["n_latents"].to_dict() == sizes.to_dict()
    assert (np.diff(sizes) <= 0).all()


def test_axes_that_were_left_out_are_worked_out(made: Run, tmp_path: Path) -> None:
    run = made.copy(tmp_path)
    config = {"pca": {"components": "none"}}
    with tiny_sample():
        assert execute(platform(run.settings), ["pca", "pca_scores", *ASSETS], config=config).success
    with pytest.raises(FileNotFoundError):
        Pca.of(run.results).arrays(["components"])
    explained = run.read("peer_explanations")
    _check_explanations(run, _contributions(run, explained))
    before = made.read("peer_explanations")
    keys = ["report_id", "peer_report_id", "kind", "number"]
    both = before.merge(explained, on=keys)
    assert len(both) > 0.95 * len(before)


def test_a_table_asked_for_alone_is_the_same(made: Run, tmp_path: Path) -> None:
    run = made.copy(tmp_path)
    with tiny_sample():
        for asset in ("peers", "peer_explanations"):
            (run.results.table(asset)).unlink()
            result = execute(platform(run.settings), [asset])
            (made_now,) = result.asset_materializations_for_node("peers")
            assert "later ones included" in str(made_now.metadata["knows"].value)
            pd.testing.assert_frame_equal(run.read(asset), made.read(asset))
