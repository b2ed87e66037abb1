"""Dagster's instance of a command: where history, logs and pools are."""

import os
import shutil
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("dagster.yaml")


def dagster_home(data: Path, checkout: Path | None) -> Path:
    """DAGSTER_HOME, set where it is not: the checkout's `.dagster`, else a folder `dagster` beside the results.

    Args:
        data: the folder of all results.
        checkout: the repository, where the package runs from there.

    Raises:
        FileNotFoundError: DAGSTER_HOME names a folder that does not exist.
    """
    if given := os.environ.get("DAGSTER_HOME"):
        home = Path(given).expanduser()
        if not home.is_dir():
            raise FileNotFoundError(f"DAGSTER_HOME is {given}, which is no folder")
    else:
        home = checkout / ".dagster" if checkout else data / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        if not (home / CONFIGURATION.name).exists():
            shutil.copyfile(CONFIGURATION, home / CONFIGURATION.name)
    os.environ["DAGSTER_HOME"] = str(home.absolute())
    return home.absolute()
