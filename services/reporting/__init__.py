"""Reporting: increments from the events of the others, and reports made from increments alone.

Consumes `transactions.journal.v1`, `compliance.decisions.v1`, `compliance.alerts.v1`, `reporting.acts.v1`.
Publishes `reporting.published.v1`. Owns the schema `reporting`. A new report is added in `reports/`.
"""
