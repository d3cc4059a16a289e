"""How each family of clients speaks to the same predictor: one file a dialect, all strangers."""
