"""A fault campaign over Channel Access: an instrument of another maker, what goes wrong with it, and who judges."""
