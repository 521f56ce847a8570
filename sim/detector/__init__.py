"""Trains and exports our own detector. Needs requirements/train.txt; nothing here runs on the robot."""
