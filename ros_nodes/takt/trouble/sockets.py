"""Where the simulated ends of a troubled run take orders: names in the run's folder."""

LINE_SOCKET, PLANT_SOCKET, BOARD_SOCKET = "line.sock", "plant.sock", "board.sock"
