"""The independent auditor: its own decoder, arithmetic, SQL and model; imports nothing of ours."""
