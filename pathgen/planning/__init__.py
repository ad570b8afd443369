"""What a study will read, write and cost, said before it starts."""
