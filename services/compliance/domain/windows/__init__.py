"""Windows over what moves: one per owner and asset, folded from a shard's events in their order."""
