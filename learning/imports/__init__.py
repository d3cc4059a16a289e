"""Models made elsewhere, taken in: one file an origin, each a stranger to the others."""
