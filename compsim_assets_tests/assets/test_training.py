"""An SAE of the universe's own: trained, measured on others, and what features are extracted with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sparsify import SparseCoder

from compsim_assets.assets.training import _remarks
from compsim_assets.universe.layout import UniverseError
from compsim_assets.workers import train_sae
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_features, write_reports
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.test_train_sae import some_texts

N = 60
ASSETS = ["descriptions", "sparse_autoencoder", "sae_training", "sae_features"]
TRAIN = "[train]\nlatents = 24\nk = 4\n"


def universe_with(folder: Path, train: str = TRAIN, **changes: Any) -> Local:
    """Reports 100, 107, ... of 60 companies, of 2015 and 2016, a text each, and a tiny language model."""
    write_reports(folder / "universe", n=N, **{"section_1": some_texts(N), **changes})
    kit = tiny_models.make_kit(folder / "universe", "bert")
    (folder / "universe" / "extraction.toml").write_text(
        f'model = "model"\nhookpoint = "{kit.hookpoint}"\nmax_tokens = 12\n{train}'
    )
    return Local(folder)


def weights(run: Local) -> bytes:
    return (run.data / "local" / "sparse_autoencoder" / "sae.safetensors").read_bytes()


def test_features_are_extracted_with_the_sae_that_was_trained(tmp_path: Path) -> None:
    run = universe_with(tmp_path)
    run.run(ASSETS)
    folder = run.data / "local" / "sparse_autoencoder"
    manifest = json.loads((folder / "sparse_autoencoder.json").read_text())
    assert (manifest["origin"], manifest["latents"], manifest["k"]) == ("trained", 24, 4)
    assert manifest["held_out_texts"] == 6
    features = run.read("sae_features")
    assert len(features) == N
    assert len(features["features"][0]) == 24
    sae = SparseCoder.load_from_disk(folder)
    assert (sae.num_latents, sae.cfg.k, sae.d_in) == (24, 4, tiny_models.WIDTH)
    noted = json.loads((run.data / "local" / "sae_features" / "features.json").read_text())
    assert Path(noted["sae"]).resolve() == folder.resolve()
    table = run.read("sae_training")
    metadata = run.metadata("sparse_autoencoder")
    assert metadata["fvu"] == pytest.approx(table["fvu"].iloc[-1], rel=0.2)
    assert metadata["loss_curve"].startswith("![sae_training](data:image/png")
    assert not (run.data / "local" / ".training").exists() or not list((run.data / "local" / ".training").iterdir())
    assert len(run.read("sparse_autoencoder")) == 24


def test_later_years_have_no_part(tmp_path: Path) -> None:
    until = TRAIN + "train_until = 2015\n"
    first = universe_with(tmp_path / "a", until)
    first.run(ASSETS[:3])
    texts = [text if number % 2 == 0 else "gold gold gold oil" for number, text in enumerate(some_texts(N))]
    other = universe_with(tmp_path / "b", until, section_1=texts)
    other.run(ASSETS[:3])
    assert weights(first) == weights(other)
    assert first.read("sae_training").equals(other.read("sae_training"))
    whole = universe_with(tmp_path / "c")
    whole.run(ASSETS[:3])
    assert weights(whole) != weights(first)


class _Killed(Exception):
    pass


def test_a_killed_training_goes_on_in_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = universe_with(tmp_path / "whole")
    whole.run(ASSETS[:3])
    monkeypatch.setattr(train_sae, "_SECONDS", 0)
    run, save = universe_with(tmp_path / "killed"), train_sae.save_state

    def save_until(state: Any, *where: Any) -> None:
        save(state, *where)
        if state.fit.step == 30:
            raise _Killed

    with monkeypatch.context() as killing:
        killing.setattr(train_sae, "save_state", save_until)
        with pytest.raises(_Killed):
            run.run(ASSETS[:3])
    (folder,) = (run.data / "local" / ".training").iterdir()
    assert (folder / "state.safetensors").exists()
    run.run(ASSETS[:3])
    assert run.metadata("sparse_autoencoder")["resumed_at"] == 30
    assert weights(run) == weights(whole)
    assert run.read("sae_training").equals(whole.read("sae_training"))
    assert not list((run.data / "local" / ".training").iterdir())


@pytest.mark.parametrize("ready", ["features", "sae"])
def test_where_nothing_is_to_be_trained_that_is_said(tmp_path: Path, ready: str) -> None:
    run = universe_with(tmp_path, TRAIN if ready == "features" else "", section_1=some_texts(N))
    if ready == "features":
        write_features(tmp_path / "universe", [100 + 7 * i for i in range(N)], (np.eye(N, 5) + 0.5).tolist())
        said = "features are imported"
    else:
        path = tmp_path / "universe" / "extraction.toml"
        path.write_text('sae = "sae"\n' + path.read_text())
        said = "extraction.toml names an SAE"
    run.run(ASSETS)
    assert said in run.metadata("sparse_autoencoder")["note"]
    assert run.read("sae_training").empty
    assert run.read("sparse_autoencoder").empty
    assert len(run.read("sae_features")) == N


def test_no_text_before_the_last_year_is_an_error(tmp_path: Path) -> None:
    run = universe_with(tmp_path, TRAIN + "train_until = 2001\n")
    with pytest.raises(UniverseError, match=r"\[train\]: no report up to 2001 has a text to train on"):
        run.run(ASSETS[:3])


def test_bad_states_are_said() -> None:
    good = {"tokens": 3000, "latents": 100, "dead": 0.1, "fvu": 0.2, "held_out_fvu": 0.3}
    assert _remarks(good) == []
    assert _remarks({**good, "held_out_fvu": None}) == []
    for bad, begins in (
        ({"tokens": 2999}, "few tokens for the width: 2,999 for 100 latents"),
        ({"dead": 0.3}, "collapsed: 30 %"),
        ({"fvu": 0.6, "held_out_fvu": 0.7}, "60 % of the variance are unexplained"),
        ({"held_out_fvu": 0.5}, "learned by heart: 50.0 %"),
    ):
        (remark,) = _remarks({**good, **bad})
        assert remark.startswith(begins)
