"""Environment that torch reads when it is loaded: set by the steps' process and by every rank, unless the user did."""

import os

DEFAULTS = {
    # Steps run side by side and share the cores: an idle OpenMP thread must sleep, not spin. Three times faster where
    # two steps compute at once.
    "OMP_WAIT_POLICY": "PASSIVE",
    # cuBLAS sums in the same order every time.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


def set_defaults() -> None:
    """Set what is unset. Call it before torch computes."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
