"""Environment that torch and numpy read when loaded: set by the steps' process and every rank, unless the user did."""

import os

from compsim_assets.launch.limits import affine, cores

DEFAULTS = {
    # Steps run side by side and share the cores: an idle OpenMP thread must sleep, not spin. Three times faster where
    # two steps compute at once.
    "OMP_WAIT_POLICY": "PASSIVE",
    # The same of numpy's threads, which have no OpenMP: they spin for 2^16 cycles instead of 2^26 (27 ms).
    "OPENBLAS_THREAD_TIMEOUT": "16",
    # cuBLAS sums in the same order every time.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}


def set_defaults() -> None:
    """Set what is unset. Call it before numpy and torch are loaded."""
    for name, value in {**DEFAULTS, **threads()}.items():
        os.environ.setdefault(name, value)


def threads() -> dict[str, str]:
    """Threads of torch and numpy where a control group allows fewer cores than the machine shows them."""
    return {"OMP_NUM_THREADS": str(cores())} if cores() < affine() else {}
