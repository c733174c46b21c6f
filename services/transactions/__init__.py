"""The double-entry ledger.

Consumes `transactions.instructions.v1`, `transactions.acts.v1` and `compliance.decisions.v1`.
Publishes `transactions.journal.v1`, the books' public record, to which its journal table is the outbox.
Owns the schema `transactions`; what it does is described in `docs/reference` and its ADRs.
"""
