"""What the toy's steps inherit where many runs are started: next to nothing; tied to each other as the real ones."""

import sys

words, sys.orig_argv = sys.orig_argv, []  # else it loads all that the real steps use
from compsim_assets import preloaded  # noqa: E402

sys.orig_argv = words
if any("multiprocessing.forkserver" in word for word in words):
    preloaded.tie_processes()
    import dagster._core.executor.multiprocess  # noqa: F401

    from compsim_assets_tests.running import toy  # noqa: F401
