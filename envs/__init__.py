"""Floor 2: tasks and the loop that makes them Gymnasium environments."""
