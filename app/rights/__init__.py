"""Who may do what, as the program itself knows it: for the security officer."""
