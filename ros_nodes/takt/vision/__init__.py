"""Pictures in, boxes out: sources, preprocessing, the detector and how well it does."""
