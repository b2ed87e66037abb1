"""Reasons of the ten nearest peers of every report, beside one product of features with the axes, and the plain way."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from benchmarks.inputs import FeatureSize, feature_blocks
from benchmarks.measure import Row, Timed, timed
from compsim_assets.evidence.peers.reasons import Options, reasons_of_peers
from compsim_assets.science.linkage.nearest import nearest_peers
from compsim_assets.science.reasons.parts import ScoredReports
from compsim_assets.storage.shards import FeatureShards, write_feature_shards

# A year has as many reports, and reports as many axes, in both: so the ratios should be alike.
SIZES = {"small": FeatureSize(6972, 16_384, 4000), "paper": FeatureSize(27_888, 131_072, 4000)}
YEARS = {"small": 6, "paper": 25}
N_PEERS, N_EXPLAINED, N_THEMES, N_INDUSTRIES = 50, 10, 64, 40
# Pairs of the plain way that are timed.
PLAIN = {"small": 100, "paper": 60}


class MappedAxes:
    """(P, D) axes in a file."""

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self._path, self.shape = path, shape

    def block(self, start: int, stop: int) -> np.ndarray:
        """(P, stop - start), copied; the file is not kept mapped."""
        return np.array(np.memmap(self._path, np.float32, "r", shape=self.shape)[:, start:stop])


def rows(size: str, device: str) -> list[Row]:
    """Two rows: reasons of the ten nearest, overall and within an industry, without and with confidence of fifty."""
    with TemporaryDirectory() as folder:
        reports, report_id, year = _inputs(SIZES[size], YEARS[size], Path(folder))
        peers = _peers(reports, report_id, year)
        theme = np.random.default_rng(1).integers(0, N_THEMES, reports.n_latents)

        def explained(confidence: bool) -> Timed:
            options = Options(confidence, 1000, N_EXPLAINED, 6, 4, 1.0)
            return timed(lambda: reasons_of_peers(reports, report_id, year, peers, theme, None, options, device))

        product = timed(lambda: _product(reports, device))
        ours, with_confidence = explained(False), explained(True)
        plain, difference = _plain(reports, report_id, peers, ours.result[1], PLAIN[size])
    n_pairs = len(peers[peers["rank"] <= N_EXPLAINED].drop_duplicates(["report_id", "peer_report_id"]))
    shape = SIZES[size]
    label = f"{shape.reports:,} x {shape.latents:,}, P = {shape.axes:,}, {YEARS[size]} years, {n_pairs:,} pairs"
    note = (
        "x floor: times one product of all features with the axes, features read from disk; published: the plain way, "
        f"two reports' features gathered pair by pair, timed on {PLAIN[size]} pairs"
    )
    return [
        Row(
            job=job, size=label, ours=each.seconds, published=plain * n_pairs, floor=product.seconds, peak=each.peak,
            difference=difference, note=note,
        )
        for job, each in (("reasons of peers", ours), ("reasons and confidence", with_confidence))
    ]  # fmt: skip


def _inputs(size: FeatureSize, n_years: int, folder: Path) -> tuple[ScoredReports, np.ndarray, np.ndarray]:
    """Features on disk, and axes that are orthonormal directions with scores by one pass: no PCA is fitted here."""
    write_feature_shards(folder, feature_blocks(size), size.latents, {"hookpoint": "none"})
    features = FeatureShards(folder)
    mean, square = np.zeros((2, size.latents))
    for part in features.parts():
        mean += part.sum(axis=0, dtype=np.float64)
        square += np.einsum("nd,nd->d", part, part, dtype=np.float64)
    mean /= size.reports
    scale = np.sqrt(np.maximum(square / size.reports - mean**2, 1e-12))
    # Random directions with entries of variance 1 / D: nearly orthonormal, and z = x W is all that exactness needs.
    path, shape = folder / "axes.bin", (size.axes, size.latents)
    axes = np.memmap(path, np.float32, "w+", shape=shape)
    generator = torch.Generator().manual_seed(5)
    for axis in range(size.axes):
        axes[axis] = (torch.randn(size.latents, generator=generator) / np.sqrt(size.latents)).numpy()
    axes.flush()
    del axes
    reports = ScoredReports(features, np.empty((size.reports, 0)), MappedAxes(path, shape), mean, scale)
    scores = _product(reports, "cpu")
    year = np.sort(np.arange(size.reports) % n_years) + 2000
    return ScoredReports(features, scores, reports.axes, mean, scale), features.report_id, year


def _product(reports: ScoredReports, device: str, block: int = 8192) -> np.ndarray:
    """(n, P) standardised features times the axes, a block of latents at a time."""
    scores = torch.zeros(reports.features.shape[0], reports.axes.block(0, 1).shape[0], device=device)
    for start in range(0, reports.n_latents, block):
        latents = slice(start, min(start + block, reports.n_latents))
        values = reports.features.columns(latents.start, latents.stop)
        values -= reports.mean[latents].astype(np.float32)
        values /= reports.scale[latents].astype(np.float32)
        axes = torch.from_numpy(reports.axes.block(latents.start, latents.stop)).to(device)
        scores.addmm_(torch.from_numpy(values).to(device), axes.T)
    return scores.cpu().numpy()


def _peers(reports: ScoredReports, report_id: np.ndarray, year: np.ndarray) -> pd.DataFrame:
    industry = (np.arange(len(year)) // 6) % N_INDUSTRIES
    scopes = []
    for scope, label in (("all", year), ("industry", year * 100 + industry)):
        blocks = [pd.DataFrame(block) for block in nearest_peers(reports.scores, label, report_id, N_PEERS)]
        scopes.append(pd.concat(blocks).assign(scope=scope))
    return pd.concat(scopes, ignore_index=True).rename(columns={"peer_id": "peer_report_id"})


def _plain(
    reports: ScoredReports, report_id: np.ndarray, peers: pd.DataFrame, explained: pd.DataFrame, n_pairs: int
) -> tuple[float, float]:
    """Seconds of a pair: both reports' features gathered, reconstructed from all axes, contributions sorted; and the
    largest difference of the strongest contribution.
    """
    near = peers[peers["rank"] <= N_EXPLAINED].drop_duplicates(["report_id", "peer_report_id"])
    near = near.sample(n_pairs, random_state=0)
    strongest = explained[explained["number"] >= 0].query("kind == 'latent'")
    strongest = strongest.groupby(["report_id", "peer_report_id"])["contribution"].max()
    axes = reports.axes.block(0, reports.n_latents)
    off, start = 0.0, time.perf_counter()
    for a, b in near[["report_id", "peer_report_id"]].to_numpy():
        rows = np.searchsorted(report_id, [a, b])
        text = (reports.features.rows(rows) - reports.mean) / reports.scale
        z = reports.scores[rows].astype(np.float64)
        u, v = text / np.linalg.norm(z, axis=1)[:, None], (z @ axes) / np.linalg.norm(z, axis=1)[:, None]
        values = np.sort((u[0] * v[1] + u[1] * v[0]) / 2)
        off = max(off, abs(values[-1] - strongest[a, b]))
    return (time.perf_counter() - start) / n_pairs, off
