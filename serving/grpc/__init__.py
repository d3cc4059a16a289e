"""How a model is reached over gRPC."""
