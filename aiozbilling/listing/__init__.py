"""Many calls: a list walked exactly once."""
