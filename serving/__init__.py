"""How a model is reached: one prediction service, its protocols, and the transports over it."""
