"""The server that starts warm processes ends with the tests."""

from compsim_assets_tests.launch.warm import server

__all__ = ["server"]
