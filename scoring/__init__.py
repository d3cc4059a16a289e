"""Tables of any size, scored a batch at a time by a model that is served elsewhere or nowhere."""
