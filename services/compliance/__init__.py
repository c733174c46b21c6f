"""Compliance: screens what the ledger journals, answers what waits for it, raises alerts.

Consumes `transactions.journal.v1` and `compliance.acts.v1`; publishes `compliance.decisions.v1` and
`compliance.alerts.v1`; owns the schema `compliance`.
"""
