"""A recorded run drives the same logic again, offline; where it comes to something else is told."""
