"""`python -m compsim_assets`."""

from compsim_assets.cli import main

if __name__ == "__main__":
    main()
