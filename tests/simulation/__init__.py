"""The promise under a deterministic simulation: a seed decides who goes on, what dies and when; see test_promise."""
