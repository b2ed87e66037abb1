"""The embedded sample: a synthetic universe, generated on demand, in which one knows what is right.

Here belongs all that makes it: business lines and what companies write (`*.toml`), companies that mix lines and drift,
SAE features with latents planted for lines, sectors and themes, daily prices with factors of the lines and a few
cointegrated pairs, and fuzz scores. It is written in the files that any universe has: `universe` opens it like those of
a user, and nothing else reads it. The planted truth lies beside these files, for tests.

The same seed and size give the same bytes: each part draws from a stream of random numbers of its own. A change that
changes bytes, of code or of phrases, needs a new GENERATOR_VERSION. The full size takes seconds and 30 MB of disk.
"""

from compsim_assets.sample.generator import generate, is_current
from compsim_assets.sample.size import GENERATOR_VERSION, SampleSize

__all__ = ["GENERATOR_VERSION", "SampleSize", "generate", "is_current"]
