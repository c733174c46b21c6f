"""Reports to authorities: what officers fill in, checked field by field, and the files made of it."""
