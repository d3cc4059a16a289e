"""Training jobs that wait, run and end: one table, one claim, one process a training."""
