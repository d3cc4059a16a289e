"""Services and messages made at run time, as .proto text and as descriptors."""
