"""The registry of methods: what each knows, and the rules for methods that a universe names."""

import pytest

from compsim_assets.contracts.methods import BY_NAME, METHODS, encoder_cut, is_reference, knows_later_years
from compsim_assets.contracts.modes import CUTOFF_MODES


def test_names_are_unique_and_every_method_groups_companies_or_compares_them() -> None:
    assert len(BY_NAME) == len(METHODS)
    assert all(method.clusters or method.similarity for method in METHODS)
    assert {method.replays for method in METHODS} - {""} <= set(BY_NAME)
    assert set(CUTOFF_MODES) <= {method.name for method in METHODS if method.clusters}


@pytest.mark.parametrize(
    ("knows", "methods"),
    [
        (True, "base rolling GCD GCDR gics_sector pca pairs minilm_base minilm_rolling PaLM-gecko"),
        (False, "minilm_kmeans walk_forward sic_code sic_division SIC Industry population sic2 supervised"),
    ],
)
def test_what_knows_later_years(methods: str, knows: bool) -> None:
    assert {method: knows_later_years(method) for method in methods.split()} == dict.fromkeys(methods.split(), knows)


def test_what_every_other_method_is_compared_with() -> None:
    others = ("minilm_base", "minilm_rolling", "minilm_kmeans", "PaLM-gecko")
    references = {name for name in (*BY_NAME, *others) if is_reference(name)}
    assert references == {"sic_code", "SIC", "population", "base", "minilm_base", "minilm_rolling"}


def test_cuts_of_encoders() -> None:
    assert encoder_cut("all_mini_kmeans") == ("all_mini", "kmeans")
    for name in ("_base", "walk_forward", "base", "SBERT", "minilm_ward"):
        assert encoder_cut(name) is None
