"""A program without torch whose ranks compute for good or kill themselves, for tests of who ends whom."""

import os
import signal
import time
from pathlib import Path

from dagster_pipes import PipesDefaultContextLoader, PipesEnvVarParamsLoader


def main() -> None:
    parameters = PipesEnvVarParamsLoader().load_context_params()
    with PipesDefaultContextLoader().load_context(parameters) as context:
        extras = context["extras"] or {}
    rank, started = int(os.environ["RANK"]), Path(extras["started"])
    (started / str(rank)).write_text(str(os.getpid()))
    while len(list(started.iterdir())) < len(extras["actions"]):
        time.sleep(0.05)
    if extras["actions"][rank] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    sum(range(10**14))  # one C call of hours that never looks for signals


if __name__ == "__main__":
    main()
