"""The simulated world: robot model, arena, plant, camera, and the judge of a run. Knows no ROS."""
