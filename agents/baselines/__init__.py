"""Classical rivals, one per file, each a Policy."""
