"""How any service runs: claim, fence, handle, commit, publish; written once."""
