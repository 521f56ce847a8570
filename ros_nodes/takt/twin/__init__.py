"""The robot in one process on a clock that only its owner moves: scenarios, chaos, invariants."""
