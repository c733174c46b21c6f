"""What reporting does with what it has read, without a database, a clock or a broker."""
