"""The answers, on small results of invented companies (`worlds`): each against the formula or a plain look."""
