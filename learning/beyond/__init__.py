"""Learning from tables that do not fit into memory, on one machine or a cluster."""
