"""Write a universe: see the package."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks.universe.shape import Shape
from benchmarks.universe.writing import write_universe


def main() -> None:
    """Write it, and say how long it took and how much memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.universe", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the paper's size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latents", type=int, help="so many instead of 131,072 times the scale")
    parser.add_argument("--no-encoder", action="store_true", help="without embedding.toml: texts are not embedded")
    asked = parser.parse_args()
    begun, shape = time.monotonic(), Shape(asked.scale, asked.seed, asked.latents)
    try:
        write_universe(asked.folder, shape, lambda line: print(line, file=sys.stderr, flush=True), not asked.no_encoder)
    except FileExistsError as error:
        sys.exit(str(error))
    size = sum(path.stat().st_size for path in asked.folder.rglob("*") if path.is_file())
    print(
        f"{asked.folder}: synthetic, {shape.reports:,} reports, {shape.years} years, {shape.companies:,} companies, "
        f"{shape.latents:,} latents, {size / 1e9:.2f} GB, {time.monotonic() - begun:.0f} s"
    )
    print(f"COMPSIM_SOURCE=local COMPSIM_UNIVERSE={asked.folder.absolute()} compsim materialize")


if __name__ == "__main__":
    main()
