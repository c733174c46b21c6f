"""The SQL that writes, and the snapshot reports are made in: one typed function per statement."""
