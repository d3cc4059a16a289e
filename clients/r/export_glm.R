# Writes a logistic regression, glm(family = binomial), as JSON, for `build_model.py --import`.
#
#   source("clients/r/export_glm.R")
#   model <- glm(am ~ hp + wt, binomial, mtcars)
#   export_glm(model, mtcars, "glm.json")
#
# or, with both saved by saveRDS:
#
#   Rscript clients/r/export_glm.R model.rds data.rds glm.json
#
# `data` is the data frame that it was fitted on. Terms are columns as they are: numbers,
# logicals, and factors under any contrasts. A hundred rows go along with R's predictions.

here <- function() {
  sourced <- Filter(Negate(is.null), lapply(sys.frames(), function(frame) frame$ofile))
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  dirname(c(unlist(rev(sourced)), script)[1])
}
source(file.path(here(), "columns.R"))

export_glm <- function(model, data, file, rows = 100) {
  data <- as.data.frame(data)
  names <- check_glm(model, data)
  label <- as.character(stats::formula(model)[[2]])
  columns <- lapply(names, function(name) {
    describe_column(name, data[[name]], model$xlevels[[name]])
  })
  weights <- lapply(names, function(name) exact(weights_of(model, name, data[[name]])))
  described <- list(
    kind = jsonlite::unbox("glm"),
    version = jsonlite::unbox(as.character(getRversion())),
    intercept = exact(stats::coef(model)[["(Intercept)"]]),
    weights = weights
  )
  chosen <- sample_rows(data[names], rows)
  second <- stats::predict(model, chosen$data, type = "response")
  write_model(described, label, classes_of(model, data[[label]]), columns, chosen$columns,
              cbind(1 - second, second), file)
}

check_glm <- function(model, data) {
  if (!inherits(model, "glm") || model$family$family != "binomial") {
    refuse("expected a glm fitted with family = binomial")
  }
  if (model$family$link != "logit") refuse("the link ", model$family$link, " is not supported; logit is")
  terms <- stats::terms(model)
  names <- attr(terms, "term.labels")
  if (!is.null(model$offset)) refuse("an offset is not supported")
  if (attr(terms, "intercept") == 0) refuse("a model without intercept is not supported")
  if (!is.name(stats::formula(model)[[2]])) refuse("the response must be a column as it is")
  names <- sub("^`(.*)`$", "\\1", names)
  odd <- names[attr(terms, "order") != 1 | !(names %in% colnames(data))]
  if (length(odd) > 0) refuse("the term ", odd[1], " is not supported: only columns as they are")
  names
}

# One weight of a number or a logical; one for each level of a factor.
weights_of <- function(model, name, column) {
  assigned <- attr(stats::model.matrix(model), "assign")
  place <- match(name, sub("^`(.*)`$", "\\1", attr(stats::terms(model), "term.labels")))
  found <- unname(stats::coef(model)[assigned == place])
  found[is.na(found)] <- 0  # a column that says what others say already; predict() leaves it out
  if (is.factor(column)) as.vector(contrasts_of(model, name) %*% found) else found
}

contrasts_of <- function(model, name) {
  kind <- model$contrasts[[name]]
  if (is.matrix(kind)) return(kind)
  match.fun(kind)(model$xlevels[[name]])
}

# The first level is failure, as glm has it.
classes_of <- function(model, response) {
  if (is.logical(response)) return(c("FALSE", "TRUE"))
  if (is.factor(response) && nlevels(response) == 2) return(levels(response))
  if (is.numeric(response) && all(response %in% c(0, 1))) return(c("0", "1"))
  refuse("the response must be a logical, a factor of two levels, or 0 and 1")
}

if (sys.nframe() == 0L) {
  given <- commandArgs(TRUE)
  if (length(given) != 3) refuse("usage: Rscript export_glm.R model.rds data.rds glm.json")
  export_glm(readRDS(given[1]), readRDS(given[2]), given[3])
}
