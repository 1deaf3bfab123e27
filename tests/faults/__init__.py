"""Real processes killed with SIGKILL, and what is left of the records afterwards."""
