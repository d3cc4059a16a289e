"""Why a model answers as it does: what each feature contributes to the score of a row."""
