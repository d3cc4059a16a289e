# Columns of a data frame, described so that another language can read rows as R does.
# Sourced by export_ranger.R and export_glm.R; base R and jsonlite.

FORMAT <- 1L

# jsonlite writes 15 digits of a number; 17 are needed to read back the very same one.
exact <- function(numbers) {
  digits <- sprintf("%.17g", as.numeric(numbers))
  structure(paste0("[", paste(digits, collapse = ","), "]"), class = "json")
}

refuse <- function(...) stop(paste0(...), call. = FALSE)

kind_of <- function(name, column) {
  if (is.ordered(column)) return("ordered")
  if (is.factor(column)) return("factor")
  if (is.logical(column)) return("logical")
  if (is.integer(column)) return("integer")
  if (is.numeric(column) && is.null(attr(column, "class"))) return("number")
  refuse("column ", name, " is of class ", class(column)[1],
         "; make it a number, a logical or a factor before fitting")
}

# `levels` are those that the model itself keeps, if it does.
describe_column <- function(name, column, levels = NULL) {
  kind <- kind_of(name, column)
  if (anyNA(column)) refuse("column ", name, " has missing values, which are not exported")
  about <- list(name = jsonlite::unbox(name), kind = jsonlite::unbox(kind))
  if (is.factor(column)) {
    about$levels <- I(if (is.null(levels)) base::levels(column) else levels)
  } else {
    about$range <- exact(range(column))
  }
  about
}

check_columns <- function(names, data) {
  absent <- setdiff(names, colnames(data))
  if (length(absent) > 0) refuse("the data has no column ", absent[1], ", which the model reads")
}

# The values of some rows, column by column: numbers exactly, factors by their names.
sample_rows <- function(data, count) {
  chosen <- data[round(seq(1, nrow(data), length.out = min(count, nrow(data)))), , drop = FALSE]
  list(data = chosen, columns = lapply(chosen, function(column) {
    if (is.factor(column)) I(as.character(column)) else exact(column)
  }))
}

# `predictions` is a matrix with a column for each class.
write_model <- function(model, label, classes, columns, rows, predictions, file) {
  document <- list(
    format = jsonlite::unbox(FORMAT),
    label = jsonlite::unbox(label),
    classes = I(classes),
    columns = unname(columns),
    model = model,
    rows = rows,
    predictions = lapply(seq_len(nrow(predictions)), function(row) exact(predictions[row, ])),
    made_with = jsonlite::unbox(R.version.string)
  )
  connection <- base::file(file, "w", encoding = "UTF-8")
  on.exit(close(connection))
  writeLines(jsonlite::toJSON(document, json_verbatim = TRUE), connection, useBytes = TRUE)
  invisible(file)
}
