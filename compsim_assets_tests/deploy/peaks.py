"""Measured peaks of memory: a program, so that they are its own. Prints bytes by what and size, as JSON."""

import json
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

# Reports, and latents, components or characters of a text.
SIZES = {
    "pca": [(500, 900), (1000, 1300)],
    "link": [(2000, 400), (3500, 400)],
    "peers": [(1100, 100), (5000, 100)],
    "words": [(400, 20_000), (800, 20_000)],
}


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(field)))


def peak(work: Callable[[], object]) -> int:
    """Bytes that the work holds at most, beside what was there before."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    work()
    return status("VmHWM") - before


def measure(what: str, n: int, width: int) -> int:
    rng = np.random.default_rng(0)
    if what == "pca":
        from benchmarks.inputs import DenseFeatures
        from compsim_assets.science.pca.fit import fit_pca

        features = DenseFeatures(rng.random((n, width), dtype=np.float32))
        return peak(lambda: fit_pca(features, 4000))
    if what == "link":
        from compsim_assets.science.linkage.years import link_years

        scores = rng.random((n, width), dtype=np.float32)
        return peak(lambda: link_years(scores, np.full(n, 2001)))
    if what == "words":
        from compsim_assets.science.words.counts import count_terms

        texts, names = _texts(rng, n, width), [f"company {i // 4}" for i in range(n)]
        return peak(lambda: count_terms(texts, names))
    return peak(lambda: _peers(rng, n, width))


def _texts(rng: np.random.Generator, n: int, characters: int) -> list[str]:
    """Words by Zipf's law, one independent of the next: no text has more different pairs of words."""
    letters = rng.choice(list("abcdefghijklmnoprstu"), (20_000, 6))
    words = np.array(["".join(of_word) for of_word in letters])
    cumulative = np.cumsum(1 / np.arange(1, len(words) + 1))
    drawn = np.searchsorted(cumulative, rng.random((n, characters // 7)) * cumulative[-1])
    return [" ".join(words[of_text]) for of_text in drawn]


def _peers(rng: np.random.Generator, n: int, width: int) -> None:
    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.science.peers.returns import Levels, year_statistics
    from compsim_assets.science.peers.statistics import YearReports, correlations, cosines

    returns = rng.normal(size=(n, 12))
    unit, defined = normalise_returns(returns)
    sic, length = rng.integers(0, 20, n), rng.random(n) * 100
    reports = YearReports(2001, np.arange(n), correlations(unit, defined), returns, sic, np.arange(n), length)
    levels = Levels((1, 3, 5, 10), (0.5, 1.0, 2.0, 5.0, 10.0), 2, 0)
    year_statistics(cosines(rng.normal(size=(n, width)).astype(np.float32)), reports, levels)


def in_a_fork(what: str, n: int, width: int) -> int:
    """Measured where no memory of an earlier measurement is used again. Nothing was computed before the fork."""
    there, here = os.pipe()
    if os.fork() == 0:
        measure(what, 60, 30)  # what is loaded and started once is not counted
        os.write(here, str(measure(what, n, width)).encode())
        os._exit(0)
    os.close(here)
    with os.fdopen(there) as answer:
        size = int(answer.read())
    os.wait()
    return size


if __name__ == "__main__":
    for module in ("pca.fit", "linkage.years", "peers.returns", "peers.statistics", "correlation.returns"):
        import_module(f"compsim_assets.science.{module}")
    import_module("compsim_assets.science.words.counts")
    import_module("benchmarks.inputs")
    sizes = [(what, *size) for what, pairs in SIZES.items() for size in pairs]
    print(json.dumps({f"{what} {n} {width}": in_a_fork(what, n, width) for what, n, width in sizes}))
