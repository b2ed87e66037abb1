"""`python -m compsim_assets`."""

from compsim_assets.cli import app

if __name__ == "__main__":
    app(prog_name="compsim")
