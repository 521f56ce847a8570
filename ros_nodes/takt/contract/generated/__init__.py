"""Code that follows from config/contract.yaml and the installed ROS definitions: written by `takt contract generate`."""
