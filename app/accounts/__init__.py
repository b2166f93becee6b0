"""People and how they sign in: users, passwords, lock-out, the user agreement."""
