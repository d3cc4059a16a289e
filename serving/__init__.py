"""How a model is reached: the gate, its two lanes, and the pages beside them."""
