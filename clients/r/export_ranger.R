# Writes a ranger probability forest as JSON, for `build_model.py --import forest.json`.
#
#   source("clients/r/export_ranger.R")
#   forest <- ranger(Species ~ ., iris, probability = TRUE)
#   export_ranger(forest, iris, "Species", "forest.json")
#
# or, with both saved by saveRDS:
#
#   Rscript clients/r/export_ranger.R forest.rds data.rds Species forest.json
#
# `data` is the data frame that the forest was fitted on: it has the classes of the
# columns and, where ranger does not keep them, the levels of the factors. A hundred of
# its rows go along with R's own predictions, which the import must reproduce.

here <- function() {
  sourced <- Filter(Negate(is.null), lapply(sys.frames(), function(frame) frame$ofile))
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  dirname(c(unlist(rev(sourced)), script)[1])
}
source(file.path(here(), "columns.R"))

export_ranger <- function(forest, data, label, file, rows = 100) {
  data <- as.data.frame(data)
  check_forest(forest, data, label)
  kept <- forest$forest
  names <- kept$independent.variable.names
  columns <- lapply(names, function(name) {
    describe_column(name, data[[name]], kept$covariate.levels[[name]])
  })
  model <- list(
    kind = jsonlite::unbox("ranger"),
    version = jsonlite::unbox(as.character(utils::packageVersion("ranger"))),
    # Set in partition mode only: the levels of these split by membership, not by order.
    partitioned = I(names[!kept$is.ordered]),
    # ranger puts these in an order of its own, and levels it never saw behind them.
    reordered = I(as.character(names(Filter(Negate(is.null), kept$covariate.levels)))),
    trees = lapply(seq_len(kept$num.trees), function(tree) describe_tree(kept, tree))
  )
  chosen <- sample_rows(data[names], rows)
  predictions <- stats::predict(forest, chosen$data)$predictions
  write_model(model, label, colnames(predictions), columns, chosen$columns, predictions, file)
}

check_forest <- function(forest, data, label) {
  if (!inherits(forest, "ranger") || forest$treetype != "Probability estimation") {
    refuse("expected a ranger forest fitted with probability = TRUE")
  }
  if (is.null(forest$forest)) refuse("the forest was fitted with write.forest = FALSE")
  if (!is.factor(data[[label]])) refuse("column ", label, ", the label, is not a factor of the data")
  if (!setequal(forest$forest$levels, levels(droplevels(data[[label]])))) {
    refuse("column ", label, " has other levels than the forest was fitted on")
  }
  check_columns(forest$forest$independent.variable.names, data)
}

# Nodes are counted from 0, and variables too; a node with no children has probabilities.
describe_tree <- function(kept, tree) {
  children <- kept$child.nodeIDs[[tree]]
  shares <- kept$terminal.class.counts[[tree]]
  by_name <- order(kept$class.values)
  list(
    left = exact(children[[1]]),
    right = exact(children[[2]]),
    variable = exact(kept$split.varIDs[[tree]]),
    value = exact(kept$split.values[[tree]]),
    shares = lapply(shares, function(node) {
      if (length(node) > 0) exact(node[by_name]) else exact(numeric())
    })
  )
}

if (sys.nframe() == 0L) {
  suppressPackageStartupMessages(library(ranger))
  given <- commandArgs(TRUE)
  if (length(given) != 4) refuse("usage: Rscript export_ranger.R forest.rds data.rds label forest.json")
  export_ranger(readRDS(given[1]), readRDS(given[2]), given[3], given[4])
}
