"""The real parts that tests start: Redis, Cassandra, Chromium, and Quill's own processes."""
