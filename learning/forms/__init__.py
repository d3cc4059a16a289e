"""Fitted estimators in neutral forms, over the raw matrix of a batch: no library's own format."""
