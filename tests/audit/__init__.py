"""Tests of the independent auditor."""
