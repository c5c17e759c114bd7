"""`trig …`: a file for each command."""
