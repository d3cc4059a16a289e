"""The other systems: each an app as its own documentation tells people to write it."""
