"""Where evidence comes from: topics, tables, the generator's log. Reading is kept apart from judging."""
