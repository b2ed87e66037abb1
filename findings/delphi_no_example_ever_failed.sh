#!/usr/bin/env bash
# eai-delphi 0.1.3 (Apache-2.0) with pandas 3.1.1, plotly 7.1.0, scikit-learn 1.9.1, torch 2.13.0, orjson 3.13.0;
# CPython 3.11.
#
# One would guess: delphi's summary of scores prints "Average fraction of failed examples", so score files in which four
# of ten examples have no answer (prediction null, which delphi writes where the scorer's answer cannot be parsed) give
# 0.4 there.
# It is 0.0, for any files that hold an answer: failures are counted as rows with a prediction less rows with a
# prediction. And a score without a single answer has an accuracy of 0, not none, below the 0.5 of guessing: where it is
# averaged it counts as the worst of all.
#
# For company similarity: how many answers a judge of latents failed to give must be counted from the files themselves.
# A scorer that breaks the format now and then looks flawless in the summary, and its accuracy is that of the rest.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 pandas==3.1.1 plotly==7.1.0 scikit-learn==1.9.1 orjson==3.13.0
"$folder/venv/bin/pip" install --quiet --no-deps eai-delphi==0.1.3 # its summary needs no more than these
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import json
from pathlib import Path

from delphi.log.result_analysis import get_agg_metrics, load_data


def summary(name, unanswered):
    """delphi's numbers for one latent of 100 examples; the judge is right wherever it answers."""
    folder = Path(name) / "scores" / "fuzz"
    folder.mkdir(parents=True)
    examples = []
    for i in range(100):
        answer = None if i < unanswered else i % 2 == 0
        examples.append({"str_tokens": [" a", " b"], "activations": [0.0, 1.0 - i % 2], "distance": -1.0,
                         "activating": i % 2 == 0, "prediction": answer, "probability": None,
                         "correct": None if answer is None else True})
    (folder / "layers.3_latent7.txt").write_text(json.dumps(examples))
    table, counts = load_data(folder.parent, ["layers.3"])
    (row,) = get_agg_metrics(table, counts).to_dict("records")
    failed, answered = int(row["failed_count"]), int(row["total_examples"])
    fraction = failed / (failed + answered) if failed + answered else None  # as log_results prints it
    return {"null in the file": int(table["prediction"].isna().sum()), "examples": answered, "failed": failed,
            "fraction of failed": fraction, "accuracy": float(row["accuracy"])}


seen = {unanswered: summary(f"with_{unanswered}", unanswered) for unanswered in (0, 40, 100)}
for unanswered, numbers in seen.items():
    print(f"{unanswered} of 100 without an answer:", numbers)
assert [numbers["null in the file"] for numbers in seen.values()] == [0, 40, 100]
assert [numbers["examples"] for numbers in seen.values()] == [100, 60, 0]
assert [numbers["failed"] for numbers in seen.values()] == [0, 0, 0]
assert [numbers["accuracy"] for numbers in seen.values()] == [1.0, 1.0, 0.0]
PY
# Seen:
# 0 of 100 without an answer: {'null in the file': 0, 'examples': 100, 'failed': 0, 'fraction of failed': 0.0, 'accuracy': 1.0}
# 40 of 100 without an answer: {'null in the file': 40, 'examples': 60, 'failed': 0, 'fraction of failed': 0.0, 'accuracy': 1.0}
# 100 of 100 without an answer: {'null in the file': 100, 'examples': 0, 'failed': 0, 'fraction of failed': None, 'accuracy': 0.0}
