"""Gates of the firmware: instruction counts, sizes, stack, coverage and mutation score, each measured and compared."""
