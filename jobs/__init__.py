"""The queue of training jobs: a table that is the truth, and huey that carries."""
