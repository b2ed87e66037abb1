"""A fit that keeps its parts gives the same bits, and one that goes on from them does not do them again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from compsim_assets.science.pca import fit
from compsim_assets.science.pca.arrays import ArrayFeatures
from compsim_assets.science.pca.fit import NoVariance, PrincipalComponents, fit_pca
from compsim_assets.science.pca.resumed import EIGENPAIRS, PRODUCTS
from compsim_assets_tests.noted import noted


class InMemory(dict[str, dict[str, np.ndarray]]):
    """Parts as files keep them: arrays alone."""

    def find(self, name: str) -> Mapping[str, np.ndarray] | None:
        return self.get(name)

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        self[name] = {key: np.array(value) for key, value in arrays.items()}


def features(n: int, latents: int) -> ArrayFeatures:
    values = np.random.default_rng(0).gamma(0.3, size=(n, latents)).astype(np.float32)
    values[:, 3] = 1.5  # does not vary
    return ArrayFeatures(values)


def assert_same_bits(one: PrincipalComponents, other: PrincipalComponents) -> None:
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, vars(other)[name], err_msg=name)


@pytest.mark.parametrize("shape", [(40, 60), (60, 40)])
@pytest.mark.parametrize("components", [True, False])  # axes need another pass, which would find mean and scale again
@pytest.mark.parametrize("there", [(), (PRODUCTS,), (PRODUCTS, EIGENPAIRS), (EIGENPAIRS,)])
def test_a_fit_goes_on_from_what_is_there(
    shape: tuple[int, int], components: bool, there: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    of, more = features(*shape), features(7, shape[1])
    options: dict[str, Any] = {"copies": np.arange(shape[0]) % 3 + 1, "held_out": more, "kept_work": 0}
    options["components"] = components
    plain = fit_pca(of, 10, **options)
    parts = InMemory()
    assert_same_bits(fit_pca(of, 10, parts=parts, **options), plain)
    assert set(parts) == {PRODUCTS, EIGENPAIRS}
    left = InMemory({name: parts[name] for name in there})
    done = noted(monkeypatch, fit, "_cross_products", "top_eigenpairs")
    assert_same_bits(fit_pca(of, 10, parts=left, **options), plain)
    wanted = ["_cross_products"] * (not there) + ["top_eigenpairs"] * (EIGENPAIRS not in there)
    assert done == wanted


def test_a_fit_of_moments_keeps_nothing() -> None:
    parts = InMemory()
    fit_pca(features(40, 60), 10, parts=parts)
    assert not parts


def test_nothing_is_kept_of_features_that_do_not_vary() -> None:
    parts = InMemory()
    with pytest.raises(NoVariance):
        fit_pca(ArrayFeatures(np.ones((5, 4), dtype=np.float32)), 2, parts=parts, kept_work=0)
    assert not parts
