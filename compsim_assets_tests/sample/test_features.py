"""Shape of the feature values, and what the planted latents do."""

import numpy as np
import pytest

from compsim_assets_tests.sample.conftest import Sample


def test_shape_of_the_published_distribution(full: Sample) -> None:
    values = full.features
    assert np.mean(values == 0) == pytest.approx(0.45, abs=0.03)
    assert np.mean(values > 7.5) == pytest.approx(0.12, abs=0.02)
    assert np.isfinite(values).all()
    assert values.min() == 0
    assert values.max() > 500, "the tail is heavy"


def test_humps_at_one_and_two_tokens(full: Sample) -> None:
    values = full.features[(full.features > 0) & (full.features < 2)]
    count, edges = np.histogram(values, bins=40, range=(0, 2))
    middle = (edges[1:] + edges[:-1]) / 2
    first = count[(middle > 0.3) & (middle < 1)].argmax() + np.searchsorted(middle, 0.3)
    second = count[(middle > 1) & (middle < 1.6)].argmax() + np.searchsorted(middle, 1)
    valley = count[first:second].min()
    assert middle[first] == pytest.approx(0.65, abs=0.06)
    assert middle[second] == pytest.approx(1.3, abs=0.08)
    assert valley < count[second] / 2 < count[first] / 2


def test_planted_latents_follow_the_weight_of_their_line(full: Sample) -> None:
    latents, weights = full.latents, full.weights
    planted = latents[latents["kind"] == "line"]
    assert len(planted) == 750
    assert (planted.groupby("line").size() == 25).all()
    for line, columns in planted.groupby("line")["latent"]:
        of_line = full.features[:, columns].mean(axis=1)
        share = weights[:, int(line)]
        some, most, none = (share > 0.2) & (share < 0.6), share > 0.9, share == 0
        assert of_line[none].mean() < 0.35 * of_line[most].mean()
        if some.sum() >= 5:
            assert of_line[none].mean() < of_line[some].mean() < of_line[most].mean()


def test_sparse_noise_speaks_of_no_line(full: Sample) -> None:
    latents = full.latents
    line = full.weights.argmax(axis=1)
    pure = full.weights.max(axis=1) > 0.9
    noise = latents.loc[latents["kind"] == "noise", "latent"].to_numpy()
    assert latents.loc[noise, "line"].isna().all()
    log = np.log1p(full.features[pure][:, noise])
    means = np.stack([log[line[pure] == k].mean(axis=0) for k in np.unique(line[pure])])
    planted = latents.loc[latents["kind"] == "line", "latent"].to_numpy()
    log = np.log1p(full.features[pure][:, planted])
    of_planted = np.stack([log[line[pure] == k].mean(axis=0) for k in np.unique(line[pure])])
    assert np.ptp(means, axis=0).mean() < 0.4 * np.ptp(of_planted, axis=0).mean()


def test_a_company_keeps_its_wording_over_the_years(full: Sample) -> None:
    reports = full.reports
    generic = full.latents.loc[full.latents["kind"] == "generic", "latent"].to_numpy()
    log = np.log1p(full.features[:, generic])
    log = (log - log.mean(axis=0)) / log.std(axis=0)
    order = reports.sort_values(["cik", "year"]).index.to_numpy()
    same = reports["cik"].to_numpy()[order[1:]] == reports["cik"].to_numpy()[order[:-1]]
    alike = (log[order[1:]] * log[order[:-1]]).mean(axis=1)
    assert alike[same].mean() > alike[~same].mean() + 0.2
