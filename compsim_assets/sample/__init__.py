"""The embedded sample: a synthetic universe, generated on demand."""

from compsim_assets.sample.generator import generate, is_current
from compsim_assets.sample.size import GENERATOR_VERSION, SampleSize

__all__ = ["GENERATOR_VERSION", "SampleSize", "generate", "is_current"]
