"""Benchmarks at toy sizes: the generated universe, the fit of growth and its check, libraries beside ours."""
