"""The program that trains an SAE, whole: tiny models on disk, one process and two, killed at any moment, each mistake.

COMPSIM_KILLS says at how many random moments it is killed, 3 by default.
"""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from sparsify import SparseCoder

from compsim_assets.contracts import TABLES, validate
from compsim_assets.launch.worker import Worker
from compsim_assets.science.training import fit
from compsim_assets.workers import activation_files, language_models, train_sae, training_state
from compsim_assets.workers.text_batches import count_tokens, read_contents
from compsim_assets_tests.launch.warm import by_hand, play_torchrun, start
from compsim_assets_tests.workers.tiny_models import WIDTH, WORDS, Kit

KILLS = int(os.environ.get("COMPSIM_KILLS") or 3)
CPU, PROGRAM = torch.device("cpu"), "compsim_assets.workers.train_sae"
TRAIN = {"latents": 32, "k": 4, "seed": 0, "train_until": 0, "held_out": 0.1}
FILES = ("sae/sae.safetensors", "sae/cfg.json", "training.parquet")

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.waits(60)]


def some_texts(n: int = 120, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=8)) for _ in range(n)]


def extras(folder: Path, kit: Kit, texts: list[Any], held: list[bool] | None = None, **train: Any) -> dict[str, Any]:
    """What the program is given; every tenth text is held out where nothing else is said."""
    folder.mkdir(parents=True, exist_ok=True)
    held = [number % 10 == 0 for number in range(len(texts))] if held is None else held
    pq.write_table(pa.table({"text": pa.array(texts, pa.string()), "held_out": held}), folder / "texts.parquet")
    return {
        "texts": str(folder / "texts.parquet"),
        "settings": kit.settings(train={**TRAIN, **train}),
        "resume": str(folder / "resume"),
        "output": str(folder / "out"),
        "checkpoint_seconds": 0,
    }


def run(given: dict[str, Any]) -> dict[str, Any]:
    """In this process."""
    worker = Worker(0, 1, CPU, given)
    train_sae.main(worker)
    assert worker.reported is not None
    return worker.reported


def written(folder: Path) -> list[bytes]:
    return [(folder / "out" / name).read_bytes() for name in FILES]


def test_an_sae_comes_out_that_explains_and_is_measured(kit: Kit, tmp_path: Path) -> None:
    given = extras(tmp_path, kit, some_texts())
    result = run(given)
    history = pq.read_table(tmp_path / "out" / "training.parquet")
    rows = validate(TABLES["sae_training"], history).to_pandas()
    assert rows["fvu"].iloc[-1] < 0.5 * rows["fvu"].iloc[0]
    assert result["fvu"] == pytest.approx(rows["fvu"].tail(5).mean(), rel=0.2)
    assert result["held_out_fvu"] == pytest.approx(rows["held_out_fvu"].iloc[-1], rel=1e-6)
    assert (result["texts"], result["held_out_texts"], result["tokens"]) == (108, 12, 864)
    assert rows["step"].iloc[-1] == result["steps"]

    # The same by the library, on activations made one text at a time.
    contents = read_contents(Path(given["texts"]))
    worker = Worker(0, 1, CPU, given)
    model = language_models.load_hooked_model(given["settings"], CPU)
    reader = activation_files.Reader(worker, model, contents, count_tokens(worker, contents, model.tokenize))
    trained = np.flatnonzero(np.arange(120) % 10)
    tokens = torch.from_numpy(np.array(reader.write(trained, tmp_path / "again.npy", "texts")))
    sae = SparseCoder.load_from_disk(tmp_path / "out" / "sae")
    with torch.no_grad():
        out = sae(tokens)
    assert float(out.fvu) == pytest.approx(result["fvu"], rel=1e-4)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(32))  # type: ignore[union-attr]
    ours = language_models.load_sparse_coder(str(tmp_path / "out" / "sae"), kit.hookpoint, CPU, "extraction.toml")
    with torch.no_grad():
        for mine, theirs in zip(ours.encode(tokens), sae.encode(tokens), strict=True):
            assert torch.equal(mine, theirs)


def test_token_ids_are_trained_on_as_their_texts(llama: Kit, tmp_path: Path) -> None:
    texts = some_texts()
    given = extras(tmp_path / "texts", llama, texts)
    run(given)
    tokenize = language_models.load_hooked_model(given["settings"], CPU).tokenize
    ids = [tokens.ids.tolist() for tokens in tokenize(texts)]
    other = extras(tmp_path / "ids", llama, texts)
    table = pa.table({"input_ids": ids, "held_out": pq.read_table(other["texts"])["held_out"]})
    pq.write_table(table, other["texts"])
    run(other)
    assert written(tmp_path / "ids") == written(tmp_path / "texts")


def test_what_is_held_out_has_no_part(llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But when to stop, which it decides: here it may not."""
    monkeypatch.setattr(fit, "PATIENCE", 10**6)
    texts = some_texts()
    first = run(extras(tmp_path / "a", llama, texts))
    others = some_texts(seed=5)
    changed = [others[number] if number % 10 == 0 else text for number, text in enumerate(texts)]
    second = run(extras(tmp_path / "b", llama, changed))
    assert not first["stopped_early"]
    assert not second["stopped_early"]
    assert first["held_out_fvu"] != second["held_out_fvu"]
    assert written(tmp_path / "a")[0] == written(tmp_path / "b")[0]
    changed[1] = "bank bank bank"
    run(extras(tmp_path / "c", llama, changed))
    assert written(tmp_path / "c")[0] != written(tmp_path / "b")[0]


def test_seeds_differ_and_repeats_do_not(llama: Kit, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(extras(tmp_path / name, llama, some_texts(), seed=seed))
    assert written(tmp_path / "a") == written(tmp_path / "b")
    assert written(tmp_path / "a")[0] != written(tmp_path / "c")[0]


class _Killed(Exception):
    pass


@pytest.mark.parametrize("chapter_tokens", [10**6, 200], ids=["one chapter", "chapters"])
def test_one_that_stops_after_any_update_goes_on(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chapter_tokens: int
) -> None:
    """Also where the activations do not fit on the disk at once, and a pass has several chapters."""
    monkeypatch.setattr(activation_files, "CHAPTER_BYTES", 4 * WIDTH * chapter_tokens)
    whole = run(extras(tmp_path / "whole", llama, some_texts()))
    given, save = extras(tmp_path / "killed", llama, some_texts()), train_sae.save_state
    half = whole["steps"] // 2
    for moment in (1, 7, half, half + 1, whole["steps"]):

        def save_until(state: Any, *where: Any, moment: int = moment) -> None:
            save(state, *where)
            if state.fit.step == moment:
                raise _Killed

        monkeypatch.setattr(train_sae, "save_state", save_until)
        with pytest.raises(_Killed):
            run(given)
    monkeypatch.setattr(train_sae, "save_state", save)
    assert run(given)["resumed_at"] == whole["steps"]
    assert written(tmp_path / "killed") == written(tmp_path / "whole")
    files = sorted(path.name for path in (tmp_path / "killed" / "resume").glob("chapter-*.npy"))
    assert (files == ["chapter-all.npy"]) == (chapter_tokens > 864)


def test_a_kill_while_a_chapter_is_deleted_does_not_stop_the_next_run(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state on the disk may be of the deleted chapter, which is then asked for again."""
    monkeypatch.setattr(activation_files, "CHAPTER_BYTES", 4 * WIDTH * 400)
    run(extras(tmp_path / "whole", llama, some_texts()))
    given, unlink = extras(tmp_path / "killed", llama, some_texts()), Path.unlink
    save, glob = train_sae.save_state, Path.glob

    def save_once(state: Any, folder: Path, processes: int) -> None:
        if not (folder / "state.safetensors").exists():
            save(state, folder, processes)

    def unlink_one(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path.name.startswith("chapter-"):
            raise _Killed

    monkeypatch.setattr(train_sae, "save_state", save_once)
    monkeypatch.setattr(Path, "unlink", unlink_one)
    monkeypatch.setattr(Path, "glob", lambda *given: iter(sorted(glob(*given), reverse=True)))  # in its worst order
    with pytest.raises(_Killed):
        run(given)
    monkeypatch.undo()
    monkeypatch.setattr(activation_files, "CHAPTER_BYTES", 4 * WIDTH * 400)
    assert run(given)["resumed_at"] == 1
    assert written(tmp_path / "killed") == written(tmp_path / "whole")


def step_of(state: Path) -> int:
    """The update that a training would go on after; -1 before the first."""
    try:
        with safe_open(state, framework="pt") as file:
            return int(json.loads(file.metadata()["state"])["fit"]["step"])
    except FileNotFoundError:
        return -1


@pytest.mark.timeout(60 + 60 * KILLS)
@pytest.mark.parametrize("ranks", [0, 2])
def test_one_killed_at_random_moments_ends_with_the_same_bytes(llama: Kit, tmp_path: Path, ranks: int) -> None:
    """First while the texts are read or before, then a moment after each of some updates."""
    whole = by_hand(PROGRAM, extras(tmp_path / "whole", llama, some_texts()), tmp_path / "w", ranks, ["sparsify"])
    draw = random.Random(ranks)
    given = extras(tmp_path / "killed", llama, some_texts())
    state, stopped = tmp_path / "killed" / "resume" / "state.safetensors", []
    for number, update in enumerate([-1, *sorted(draw.sample(range(1, whole.result["steps"] - 5), KILLS - 1))]):
        folder = tmp_path / f"k{number}"
        folder.mkdir()
        process = start(play_torchrun, PROGRAM, json.dumps(given), folder, ranks, ["sparsify"], folder=folder)
        while process.is_alive() and step_of(state) < update:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.05 if number else 0.5))
        process.kill()
        process.join()
        stopped.append(step_of(state))
    end = by_hand(PROGRAM, given, tmp_path / "last", ranks, ["sparsify"]).result
    assert end["resumed_at"] >= stopped[-1] > 0
    assert written(tmp_path / "killed") == written(tmp_path / "whole")


def test_processes_share_the_work_and_repeat_themselves(llama: Kit, tmp_path: Path) -> None:
    alone = run(extras(tmp_path / "alone", llama, some_texts()))
    for name in ("a", "b"):
        two = by_hand(PROGRAM, extras(tmp_path / name, llama, some_texts()), tmp_path / f"r{name}", 2, ["sparsify"])
        assert two.result["steps"] == alone["steps"]
        assert two.result["fvu"] == pytest.approx(alone["fvu"], rel=0.05)
    assert written(tmp_path / "a") == written(tmp_path / "b")
    weights = [load_file(tmp_path / name / "out/sae/sae.safetensors")["W_dec"] for name in ("a", "alone")]
    assert float((weights[0] * weights[1]).sum(1).median()) > 0.9


def _see_files_late(*arguments: Any) -> None:
    rename, exists = Path.rename, Path.exists

    def late(path: Path, *more: Any) -> Path:
        time.sleep(0.5)
        return rename(path, *more)

    def unseen(path: Path) -> bool:
        return exists(path) and (os.environ["RANK"] == "0" or path.suffix != ".npy")

    Path.rename, Path.exists = late, unseen  # type: ignore[method-assign, assignment]
    play_torchrun(*arguments)


def _read_another_state(*arguments: Any) -> None:
    load = training_state.load_state

    def late(*where: Any) -> training_state.State | None:
        return load(*where) if os.environ["RANK"] == "0" else None

    training_state.load_state = late
    play_torchrun(*arguments)


def test_processes_agree_on_what_is_on_the_disk(llama: Kit, tmp_path: Path) -> None:
    """A file may be late, and on a network's disk late for one of them: they must not part."""
    given = extras(tmp_path, llama, some_texts(40))
    assert by_hand(PROGRAM, given, tmp_path / "ranks", 2, ["sparsify"], _see_files_late).result["steps"] > 0
    ended = by_hand(PROGRAM, given, tmp_path / "again", 2, ["sparsify"], _read_another_state)
    assert ended.code
    assert "processes read different states of this training: all must see the same files" in ended.errors


def test_a_state_of_another_number_of_processes_is_left_aside(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, save = extras(tmp_path, llama, some_texts()), train_sae.save_state
    monkeypatch.setattr(train_sae, "save_state", lambda state, folder, processes: save(state, folder, processes + 1))
    run(given)
    assert run(given)["resumed_at"] == 0


def test_texts_that_say_the_same_on_both_sides_stop_nothing_but_gain_nothing(llama: Kit, tmp_path: Path) -> None:
    """Nothing is held out: no measure of it, and no early end."""
    result = run(extras(tmp_path, llama, some_texts(), held=[False] * 120))
    assert result["held_out_fvu"] is None
    assert pd.read_parquet(tmp_path / "out" / "training.parquet")["held_out_fvu"].isna().all()


def test_a_training_that_gains_nothing_ends_early(llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held out is noise that gets no better while the few texts trained on are learned by heart."""
    monkeypatch.setattr("compsim_assets.science.training.sizes._PASSES", 400)
    texts = ["oil of gold", "bank and rail"] * 20 + [" ".join(reversed(text.split())) for text in some_texts(10)]
    result = run(extras(tmp_path, llama, texts, held=[False] * 40 + [True] * 10, latents=6, k=2))
    assert result["stopped_early"]


def test_too_few_tokens_are_said(llama: Kit, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\[train\]: 16 tokens of 2 different texts are too few for 32"):
        run(extras(tmp_path, llama, some_texts(2), held=[False, False]))
