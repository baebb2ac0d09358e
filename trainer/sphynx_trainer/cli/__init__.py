"""The command line: one subcommand per task."""
