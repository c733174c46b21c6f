"""Names: their compared spelling, how alike two of them are, and what else bears on a match."""
