"""Recordings of what the robot said: the black box around a fault, and whole runs, as MCAP files."""
