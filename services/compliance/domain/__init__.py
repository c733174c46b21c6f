"""What compliance knows and reckons with: no IO, no clock, no chance."""
