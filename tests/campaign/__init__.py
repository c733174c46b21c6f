"""The fault campaign: real processes killed at every point under load, then audited."""
