"""What programs of both kinds share, stages and commands: errors as lines, locks, progress, tables, a pool of processes."""
