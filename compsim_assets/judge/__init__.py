"""Asking a language model what latents mean, and whether it can tell their examples by that: optional, and paid for.

A latent's windows of text (`windows`) and those without it (`others`) become examples (`examples`), and those become
questions (`prompts`, in words of `prompts.toml`). An OpenAI-compatible endpoint is asked (`client`); of its answers
(`replies`) no more is taken than what they may be (`answers`). One latent (`one_latent`) after another, several at a
time and within a budget (`runs`): what is judged is written at once, in delphi's format (`files`). What it costs is
known before (`plans`, `bill`).

Nothing here is called unless a `judge.toml` names an endpoint (`universe.judging`). Scores that lie here are read by
`universe.score_files` like those of delphi, whoever made them.
"""
