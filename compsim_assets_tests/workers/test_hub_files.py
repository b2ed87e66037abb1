"""Models from a hub: a busy one is asked again, and what it refuses is an error, never a model without that file."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from compsim_assets_tests.universe.hub.server import Fault, HubServer
from compsim_assets_tests.workers.tiny_models import MAX_TOKENS, Kit

# The library reads its environment when it is imported, so the models are loaded in a process of their own.
PROGRAM = """
import json, sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.01))
import torch
from compsim_assets.workers.encoders import load_encoder
for settings in json.loads(sys.argv[1]):
    try:
        encoder = load_encoder(settings, torch.device("cpu"))
        (tokens,) = encoder.tokenize(["Bank OF oil"])
        told = {"pooling": encoder.pooling, "ids": tokens.ids.tolist(), "state": float(encoder.embed([tokens])[0, 0])}
    except Exception as error:
        told = {"error": type(error).__name__, "text": str(error)}
    print(json.dumps(told))
"""
MODULES = [
    {"type": "sentence_transformers.models.Transformer", "path": ""},
    {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
]

pytestmark = pytest.mark.waits(15)


def files_of(kit: Kit, folder: str = "") -> dict[str, bytes]:
    """A sentence-transformers model of the first token's state, as a hub has it."""
    modules = [{**module, "path": module["path"] or folder} for module in MODULES]
    files = {f"{folder}/{path.name}".strip("/"): path.read_bytes() for path in kit.model.iterdir()}
    pooling = json.dumps({"pooling_mode_cls_token": True}).encode()
    return {**files, "modules.json": json.dumps(modules).encode(), "1_Pooling/config.json": pooling}


BUSY = {
    "busy-once": ("modules.json", 503, 2),
    "busy": ("modules.json", 503, None),
    "failing": ("1_Pooling/config.json", 500, None),
    "refusing": ("tokenizer_config.json", 403, None),
}


@pytest.fixture(scope="module")
def told(kits: dict[str, Kit], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What loading gave, by the model's name: hubs of various tempers, and folders."""
    kit, home = kits["bert"], tmp_path_factory.mktemp("hf")
    plain = {path.name: path.read_bytes() for path in kit.model.iterdir()}
    names = [str(kit.model), "acme/plain", "acme/calm", "acme/nested", "acme/nowhere", *(f"acme/{one}" for one in BUSY)]
    settings = [{"model": name, "max_tokens": MAX_TOKENS, "dtype": "auto", "file": "embedding.toml"} for name in names]
    with HubServer() as hub:
        hub.commit("acme/plain", plain)
        hub.commit("acme/calm", files_of(kit))
        hub.commit("acme/nested", files_of(kit, "0_Transformer"))
        for name, (file, status, times) in BUSY.items():
            commit = hub.commit(f"acme/{name}", files_of(kit))
            hub.misbehave(f"acme/{name}/resolve/{commit}/{file}", Fault(status=status), times)
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(settings)],
            env={**os.environ, **hub.environment(home)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return dict(zip(names, map(json.loads, run.stdout.splitlines()), strict=True)) | {"folder": str(kit.model)}


def test_a_model_of_a_hub_is_that_of_its_folder(told: dict[str, Any]) -> None:
    folder = told[told["folder"]]
    assert folder["pooling"] == ""
    assert told["acme/plain"] == folder
    assert told["acme/calm"] == {**folder, "pooling": "cls"}
    assert told["acme/nested"] == {**folder, "pooling": "cls"}


def test_a_file_that_is_refused_for_a_moment_is_asked_for_again(told: dict[str, Any]) -> None:
    assert told["acme/busy-once"] == told["acme/calm"]


@pytest.mark.parametrize("name", ["busy", "failing", "refusing"])
def test_a_file_that_is_refused_is_not_taken_for_missing(told: dict[str, Any], name: str) -> None:
    failed = told[f"acme/{name}"]
    status = BUSY[name][1]
    assert failed["error"] == "FileNotFoundError"
    assert failed["text"].startswith(f"embedding.toml: model = 'acme/{name}': cannot be loaded")
    assert f"HTTP {status}" in failed["text"]
    assert ("tried" in failed["text"]) == (status != 403)


def test_a_model_that_is_nowhere_is_named(told: dict[str, Any]) -> None:
    failed = told["acme/nowhere"]
    assert failed["error"] == "FileNotFoundError"
    assert "no such model, or it is private" in failed["text"]
