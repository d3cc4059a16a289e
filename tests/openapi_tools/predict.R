# Predicts by the client that openapi-generator wrote: Rscript predict.R LIBRARY ADDRESS
given <- commandArgs(TRUE)
.libPaths(c(given[1], .libPaths()))
library(mirante)
api <- PredictionApi$new(ApiClient$new(base_path = given[2]))
row <- CreditRow$new(
  seniority = 9, home = "rent", time = 60, age = 30, marital = "married", records = FALSE,
  job = "freelance", expenses = 73, income = 129, assets = 0, debt = 0, amount = 800, price = 846)
# The method without WithHttpInfo refuses to leave optional parameters out: openapi-generator 7.26.
answer <- api$PostV0PredictWithHttpInfo(CreditRows$new(row))$content
cat(jsonlite::toJSON(answer$prediction$value, auto_unbox = TRUE))
