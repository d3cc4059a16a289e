"""How a model is reached over HTTP."""
