"""The promise on real processes: faults from a seeded schedule, a ledger of every 202, and its check at the end."""
