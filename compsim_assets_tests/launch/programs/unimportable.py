"""A worker program that fails before it reaches `run`, as with a missing package."""

import nonexistent_package_of_this_test  # noqa: F401
