"""What every service shares: money, the message contract and the runtime."""
