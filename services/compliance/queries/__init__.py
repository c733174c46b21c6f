"""What may be asked of compliance, with the read-only login; names of tables carry the schema."""
