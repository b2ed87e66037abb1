#!/usr/bin/env bash
# transformers 5.23.0 (Apache-2.0), tokenizers 0.23.3 (Apache-2.0), huggingface_hub 2.4.0 (Apache-2.0), CPython 3.11.
#
# One would guess: AutoTokenizer.from_pretrained("owner/model") gives the model's own tokenizer, or an error where the hub
# cannot be asked; of tokenizer.json and config.json that is so.
# It is not of tokenizer_config.json: where the hub refuses this one file (503 or 429, after all of the library's own
# tries, and with an empty cache), it is taken for a file that the model does not have. The class is then guessed from
# config.json, and what the file says is lost: here the model's limit of six tokens. The same call gives other token ids
# for the same text, without an error.
#
# For company similarity: texts are embedded from other tokens on a busy day, and nothing says so. compsim first fetches
# all small files of a model at one commit, and tries again or stops where one is refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.23.0 tokenizers==0.23.3 huggingface_hub==2.4.0
"$folder/venv/bin/python" - "$folder" <<'PY'
import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

folder, commit = Path(sys.argv[1]), "a" * 40
words = {word: number for number, word in enumerate("[CLS] [SEP] [PAD] [UNK] bank oil steel bread of and".split())}
inner = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)])
special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=6, **special).save_pretrained(folder / "model")
(folder / "model" / "config.json").write_text('{"model_type": "bert"}')
files = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}
busy = {}


class Hub(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.split("?")[0].split("/")[-1]
        if not self.path.startswith("/api"):
            status, body = (busy.get(name), b"") if name in busy else (200, files[name]) if name in files else (404, b"")
            self.send_response(status)
            if status == 404:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{name}"')
        else:
            self.send_response(200 if self.path.startswith("/api/models/owner/model") else 404)
            tree = [{"type": "file", "path": one, "size": len(files[one]), "oid": one} for one in files]
            body = json.dumps(tree if "/tree/" in self.path else {"id": "owner/model", "sha": commit}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
Thread(target=server.serve_forever, daemon=True).start()
program = """
import json, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.01))  # the library's waits between its own tries
from transformers import AutoTokenizer
try:
    ids = AutoTokenizer.from_pretrained("owner/model")("bank of oil and bread of steel", truncation=True)["input_ids"]
except Exception as error:
    ids = type(error).__name__
print(json.dumps(ids))
"""
seen = {}
for case in ({}, {"tokenizer_config.json": 503}, {"tokenizer_config.json": 429}, {"tokenizer.json": 503}, {"config.json": 503}):
    busy.clear()
    busy.update(case)
    home = folder / f"cache{len(seen)}"
    env = {**os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(home), "NO_PROXY": "127.0.0.1"}
    run = subprocess.run([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen[" ".join(map(str, *case.items())) if case else "calm"] = json.loads(run.stdout)
print(json.dumps(seen, indent=1))
calm = seen.pop("calm")
assert len(calm) == 6
for case, ids in seen.items():
    if "tokenizer_config" in case:
        assert isinstance(ids, list) and len(ids) == 9 and ids != calm
    else:
        assert isinstance(ids, str)
PY
# Seen (lines of a list joined):
# {
#  "calm": [0, 4, 8, 5, 9, 1],
#  "tokenizer_config.json 503": [0, 4, 8, 5, 9, 7, 8, 6, 1],
#  "tokenizer_config.json 429": [0, 4, 8, 5, 9, 7, 8, 6, 1],
#  "tokenizer.json 503": "ValueError",
#  "config.json 503": "OSError"
# }
