"""How a learnt model is kept: artifacts, the stores that hold them, the registry of versions."""
