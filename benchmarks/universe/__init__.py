"""A generated universe of the paper's shape: `python -m benchmarks.universe --scale 0.25 FOLDER`.

Scale 1 is the paper: 27,888 reports in 25 years, its number and sizes of clusters, 5,548 tickers with daily prices,
texts of about 20,000 characters, 131,072 latents. Reports, companies and latents are that many times the scale, years
its root.

Here belongs all that writes it: the shape, who is there when and alike to whom, prices, texts, features. Business
lines, phrases, planted latents and fuzz scores are the sample's. It is written a block of companies at a time, each
from random numbers of its own, so memory does not grow with reports, an interrupted writing goes on, and the same scale
and seed give the same bytes. What was planted lies beside it in `truth.parquet`, which the platform does not read.
`python -m benchmarks.whole FOLDER` runs the platform on it.
"""
