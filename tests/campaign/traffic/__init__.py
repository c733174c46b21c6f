"""What the campaign sends: what is right, by what it is about; mistakes; and poison."""
