"""Every word of the pages in English, by key; `one|many` are the forms of a number."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    # ---------------------------------------------------------------- frame
    "tag": "en",
    "called_en": "English",
    "called_pt": "Português",
    "skip": "To the content",
    "service": "Service",
    "language": "Language",
    "models": "Models",
    "train": "Train",
    "api": "API",
    "tab_page": "Predict",
    "tab_quality": "Quality",
    "tab_data": "Data",
    "tab_versions": "Versions",
    "about_model": "Predicts {target}. Version {version}, trained {age}.",
    "and_more": " and {n} more| and {n} more",
    "age_days": "{n} day ago|{n} days ago",
    "age_hours": "{n} hour ago|{n} hours ago",
    "age_minutes": "{n} minute ago|{n} minutes ago",
    "age_now": "just now",
    "missing": "missing",
    "yes": "yes",
    "no": "no",
    # ---------------------------------------------------------------- errors and keys
    "error_401": "The key is not accepted. Enter another one.",
    "error_403": "This key may not do that, or no key is set up here.",
    "error_404": "There is nothing at this address.",
    "error_405": "This address does not take such a request.",
    "error_413": "This is larger than the service takes.",
    "error_422": "A value does not fit. It is marked in the form.",
    "error_429": "Too many attempts. Wait a minute, then try again.",
    "error_500": "The service failed. Its log has the cause under the request's id.",
    "error_503": "The service is busy, or the model is not loaded yet. Try again in a few seconds.",
    "error_other": "The request was refused.",
    "request_id": "Request",
    "to_models": "To the models",
    "key": "Key",
    "key_needed": "A key is needed",
    "key_why": "This service shows its models to those who have a key.",
    "key_enter": "Enter",
    "key_kept": "The key is kept until this tab is closed, and sent as a header only.",
    "key_needs_script": "Without JavaScript the key cannot be sent. Ask the service with "
    "a program that sends it as X-API-Key.",
    "offline": "The service does not answer. What you entered is still here: try again.",
    # ---------------------------------------------------------------- models
    "model": "Model",
    "predicts": "Predicts",
    "quality": "Quality",
    "trained": "Trained",
    "health": "Health",
    "healthy": "loaded",
    "default": "default",
    "not_loaded": "not loaded: {fault}",
    "old_serves": "an older version answers: {fault}",
    "metric_roc_auc": "ROC AUC",
    "metric_accuracy": "accuracy",
    "metric_r2": "R²",
    "quality_says": "Quality is measured on rows that the model did not learn from. ROC AUC is 0.5 "
    "for a guess and 1 for a model that is always right; R² is 0 for the mean and 1 for a model "
    "that is exact.",
    "empty": "There is no model yet.",
    "empty_train": "Train the first one from a table",
    "empty_shell": "Or in a shell, beside the service:",
    # ---------------------------------------------------------------- a model's page
    "ask": "Row",
    "example": "An example",
    "wrong_row": "A row that was wrong",
    "predict": "Predict",
    "slider": "{name}, slider",
    "many_features": "This model reads {n} feature.|This model reads {n} features. Those that "
    "weigh most come first, the others in groups.",
    "most_important": "The {n} feature that weighs most|The {n} features that weigh most",
    "features_from": "Features {first} to {last}",
    "find": "Find a feature",
    "found_none": "No feature has that name.",
    "expected_number": "Expected a number.",
    "expected_integer": "Expected a whole number.",
    "expected_boolean": "Expected yes or no.",
    "expected_category": "Expected one of the values of training.",
    "expected_date": "Expected a date such as {example}.",
    "expected_text": "Expected a text.",
    "needed": "A value is needed.",
    "form_changed": "A version with other features answers now. Load the page again.",
    "answer": "Answer",
    "probabilities": "Probability of each class",
    "other_classes": "{n} other class|{n} other classes",
    "interval": "Nine of ten such rows lie between {low} and {high} {unit}.",
    "warning_unseen": "{field}: training never saw this value. It is scored as unknown.",
    "warning_missing": "{field}: no value. Training always had one; it is filled in.",
    "warning_range": "{field}: outside of training, which had {low} to {high}.",
    "why": "Why",
    "why_not": "This model's answers are not explained.",
    "why_log_odds": "The log odds of {of} start from {base} ({base_means}), the mean of training. "
    "What this row has moves them to {score} ({score_means}).",
    "why_log_probability": "The score of {of} starts from {base}, the mean of training. What this "
    "row has moves it to {score}; the class with the largest score is answered.",
    "why_probability": "The probability of {of} starts from {base}, the mean of training. What "
    "this row has moves it to {score}.",
    "why_value": "The value starts from {base}, the mean of training. What this row has moves it "
    "to {score}.",
    "why_log_value": "The logarithm of the value starts from {base} (a value of {base_means}), the "
    "mean of training. What this row has moves it to {score} (a value of {score_means}).",
    "waterfall": "Contributions, the largest first",
    "feature": "Feature",
    "its_value": "Value",
    "contribution": "Contribution",
    "baseline": "Baseline",
    "score": "Score",
    "other_features": "{n} other feature|{n} other features",
    "words_of": "Words of {name} that weigh most",
    "code": "The same request as code",
    "code_says": "It is the row of the form, as a program sends it.",
    "copy": "Copy",
    "copied": "Copied",
    # ---------------------------------------------------------------- quality
    # ---------------------------------------------------------------- data
    # ---------------------------------------------------------------- versions
    # ---------------------------------------------------------------- train and jobs
}
