"""The paper's figures are those of its Table 1, under the names that our methods have."""

import pytest

from compsim_assets.partitions import cutoff_modes
from compsim_assets.resources.reference import published_mean_correlation

PUBLISHED = {
    "base": 0.3590,
    "GCD": 0.3590,
    "rolling": 0.3848,
    "GCDR": 0.3848,
    "sic_code": 0.2311,
    "SIC": 0.2311,
    "PaLM-gecko": 0.2195,
    "SBERT": 0.2193,
    "BERT": 0.1977,
    "sic_division": 0.1868,
    "Industry": 0.1868,
    "population": 0.1609,
}


def test_published_values() -> None:
    assert published_mean_correlation() == pytest.approx(PUBLISHED, abs=1e-12)


def test_each_cutoff_mode_has_a_published_value() -> None:
    assert set(cutoff_modes.get_partition_keys()) <= set(published_mean_correlation())
