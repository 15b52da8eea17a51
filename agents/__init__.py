"""Floor 3: policies, training and evaluation."""
