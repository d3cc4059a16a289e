"""The pages that people look at: a form, an answer and what is known of each model."""
