"""Worker program: descriptions -> embeddings, on every process that torchrun starts.

Extras:
    texts: a parquet file with a column `text` (string), one row per report.
    settings: `EncoderSettings.to_dict()`.
    output: folder for the results.

Writes `<output>/unique_embeddings.npy`, (n_unique, width) float32, and `<output>/index.parquet`, see
`text_batches.write_rows`. An embedding is the mean over a text's tokens, special ones included, of the
model's last hidden state. The bytes do not depend on the number of processes, as long as each has
the same number of threads.

Result: width, n_texts (reports), n_unique, n_truncated, n_chunked (none) and n_empty (of the reports), n_tokens (of the
unique texts), tokens_per_second, device, dtype, name, model, difference (from what the model's files
prescribe; empty where there is none).

Memory of a process: the model, the different texts, one batch. The embeddings lie on disk.
"""

from __future__ import annotations

from pathlib import Path

from compsim_assets.launch.worker import Worker, run
from compsim_assets.workers.encoders import LoadedEncoder, load_encoder
from compsim_assets.workers.language_models import dtype_name
from compsim_assets.workers.text_batches import TextRows, read_contents, write_rows


def main(worker: Worker) -> None:
    """Embed `texts`; the module's documentation says from what and to where."""
    settings = worker.extras["settings"]
    contents = read_contents(Path(worker.extras["texts"]))
    encoder = load_encoder(settings, worker.device)
    if difference := _difference(encoder):
        worker.log(f"{settings['name']}: {difference}")
    embed = encoder.embed
    rows_of = TextRows("embeddings", "embedded", encoder.tokenize, lambda batch, _numbers: (embed(batch),), embed.width)
    summary, _ = write_rows(worker, contents, rows_of)
    worker.result(
        {
            "width": embed.width,
            **summary,
            "dtype": dtype_name(encoder.dtype),
            "difference": difference,
            **{key: settings[key] for key in ("name", "model")},
        }
    )


def _difference(encoder: LoadedEncoder) -> str:
    """What this program does otherwise than the model's files prescribe; empty where nothing."""
    parts = []
    if encoder.pooling not in ("", "mean"):
        parts.append(f"its files prescribe {encoder.pooling} pooling, the mean is taken")
    if encoder.left_out:
        parts.append(f"its modules {', '.join(encoder.left_out)} are left out")
    return "; ".join(parts)


if __name__ == "__main__":
    run(main, memory_hint="a smaller tokens_per_batch in embedding.toml")
