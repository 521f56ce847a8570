"""Trouble for a running demo: the twin's faults brought into real processes, and what must hold whatever happens."""
