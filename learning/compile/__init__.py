"""From a fitted pipeline to one runtime, proven equal."""
