"""The SQL that compliance writes with, and what it reads to decide: one function a statement."""
