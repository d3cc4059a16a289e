"""The protocols: how each family of clients writes rows and reads predictions, one file each."""
