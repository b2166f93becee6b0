"""The Exchange's clients: organisations, the people who work for them, and partnerships."""
