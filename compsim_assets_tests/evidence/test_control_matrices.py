"""Features dealt out anew as a matrix: without a copy on the disk, as long as latents alone are asked for."""

from pathlib import Path

import numpy as np

from compsim_assets.evidence.control_matrices import _Dealt
from compsim_assets.science.latents.shuffled import shuffled
from compsim_assets.science.pca.arrays import ArrayFeatures


def test_latents_are_dealt_out_as_they_are_asked_for_and_reports_from_a_copy(tmp_path: Path) -> None:
    values = ArrayFeatures(np.random.default_rng(0).random((40, 2_000), dtype=np.float32))
    wanted = shuffled(values, [3, 1], 0, 2_000)
    dealt = _Dealt(values, [3, 1], tmp_path / "dealt.npy")
    some = np.array([7, 0, 39])
    assert dealt.shape == wanted.shape
    np.testing.assert_array_equal(dealt.columns(250, 1_300), wanted[:, 250:1_300])
    np.testing.assert_array_equal(dealt.columns(1_990, 2_000, some), wanted[some, 1_990:])
    assert not any(tmp_path.iterdir())
    np.testing.assert_array_equal(dealt.rows(some), wanted[some])
    assert any(tmp_path.iterdir())
