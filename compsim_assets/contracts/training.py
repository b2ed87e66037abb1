"""Tables that say how a sparse autoencoder was trained."""

from compsim_assets.contracts.columns import count, share, size
from compsim_assets.contracts.table import table

TABLES = (
    table("sae_training", "step")(
        count("step", "Updates of the weights so far.", at_least=1),
        count("tokens", "Tokens trained on so far; one that was read twice counts twice.", at_least=1),
        size("passes", "How often each token was trained on, on average."),
        size("fvu", "Fraction of variance unexplained of the tokens since the row before, as they were trained on."),
        size("held_out_fvu", "The same of the texts held out, with the weights as they are here.", nullable=True),
        share("dead", "Share of latents that were active on no token of the last pass."),
        size("l0", "Active latents per token, mean: k, or fewer where not so many are positive."),
        size("learning_rate", "Step size of the last update."),
    ),
)
