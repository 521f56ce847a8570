"""What happens each time Gazebo tells its joints: counts to the board, its newest duty back as force."""

from __future__ import annotations

from collections.abc import Callable

import takt.contract
from takt.gazebo import topics
from takt.gazebo.hardware_edge import HardwareEdge, JointSample, Pair
from takt.gazebo.target_rails import TargetRails
from takt.simulation.board_port import BoardPort
from takt.simulation.plant_protocol import PlantLine, encode_encoder
from takt.simulation.scenario import Scenario

_REPEAT_STEPS = 5  # a command that Gazebo lost comes again after so many steps

Send = Callable[[topics.Topic, float], None]


class PlantLoop:
    """Joins one board and one Gazebo. To be called by one thread at a time; ``send`` publishes a command to Gazebo."""

    def __init__(
        self, port: BoardPort, scenario: Scenario, contract: takt.contract.Contract, send: Send
    ) -> None:
        self._port, self._send_to_gazebo = port, send
        self._line = PlantLine()
        self._rails = TargetRails(scenario)
        self._sent: dict[str, tuple[float, int]] = {}
        self.edge = HardwareEdge(contract)
        self.steps = 0

    def robot(self, sample: JointSample, steady_ns: int) -> None:
        """The wheels, once a step. ``steady_ns`` of the host paces the search for a board that is not there."""
        if self._port.open_when_due(steady_ns):
            self._line.reset()
        for frame in self._line.duties(self._port.read()):
            self.edge.hear(frame)
        sensed = self.edge.sense(sample)
        if sensed is None:
            return
        self._port.write(encode_encoder(sensed))
        self.steps += 1
        self._send(topics.WHEEL_FORCES, self.edge.forces_n_m())

    def target(self, sample: JointSample) -> None:
        """The target's rails, once a step."""
        self._send(topics.TARGET_SPEEDS, self._rails.speeds_m_s(sample, self.edge.armed))

    def close(self) -> None:
        """Gazebo goes on applying the last force that it heard: leave it at nought."""
        for topic in (*topics.WHEEL_FORCES, *topics.TARGET_SPEEDS):
            self._send_to_gazebo(topic, 0.0)
        self._port.close()

    def _send(self, pair: tuple[topics.Topic, ...], values: Pair) -> None:
        """What is new at once, what is old now and then."""
        for topic, value in zip(pair, values, strict=True):
            before = self._sent.get(topic.gz_name)
            if before is None or before[0] != value or self.steps - before[1] >= _REPEAT_STEPS:
                self._sent[topic.gz_name] = (value, self.steps)
                self._send_to_gazebo(topic, value)
