"""From rows to tables, verdicts on the bars, and plots."""
