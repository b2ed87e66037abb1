"""What a universe's folder holds of a judge: `judge.toml`, and the labels and records beside the scores.

A judge is a language model that names latents and is asked whether it can tell their examples by the name. The files in
`fuzz_scores/` lie where delphi puts them: `scores/<kind>/` (read by `universe.score_files`; their windows here),
`explanations/` (a label each), and ours: `judge/`, which model said so, by which questions, at which price. Asking is
not here but in `judge`.
"""
