"""ROS time on the board, learned from time exchanges with the agent (firmware/core, clock.c)."""

import takt_contract as contract
from micropython import const

_MS = const(1000000)
_DRIFT_LIMIT_PPB = contract.LINK_CLOCK_DRIFT_LIMIT_PPM * 1000
_BOUND_LIMIT_NS = contract.LINK_CLOCK_BOUND_LIMIT_MS * _MS
_SLEW_DIVISOR = const(1000)  # corrections enter at 1000 ppm
_SLOWEST_NS = const(200000000)  # half a round trip beyond this teaches nothing
_LOCK_EXCHANGES = const(4)  # consistent exchanges that an epoch needs before it is trusted
_POINTS = const(8)
_POINT_NS = const(2000000000)  # interval of the regression's points
_STALE_POINT_NS = const(60000000000)  # a longer silence starts the regression anew
_POINT_NOISE_US = 50.0  # of an exchange with the smallest round trip


def _scaled(interval_ns, ppb):
    return interval_ns // 1000 * ppb // 1000000


class Clock:
    """Within an epoch it never steps backwards: corrections are slewed. Points: [board_ns, offset_ns, half_ns]."""

    def __init__(self):
        self.anchor_board_ns = 0
        self.anchor_ros_ns = 0
        self.correction_ns = 0  # still to be slewed in from the anchor on
        self.drift_ppb = 0
        self.accepted_board_ns = 0
        self.accepted_offset_ns = 0
        self.half_round_trip_ns = 0
        self.epoch = 0
        self.exchanges = 0
        self.suspect = False  # the newest exchange contradicts the clock; the next one decides
        self.rejected = 0
        self.interval_start_ns = 0
        self.points = []

    def _slewed(self, since_anchor_ns):
        most = since_anchor_ns // _SLEW_DIVISOR if since_anchor_ns > 0 else 0
        return max(-most, min(most, self.correction_ns))

    def ros_ns(self, board_ns):
        """ROS time at board time ``board_ns``; meaningful only while locked."""
        elapsed_ns = board_ns - self.anchor_board_ns
        return (
            self.anchor_ros_ns + elapsed_ns + _scaled(elapsed_ns, self.drift_ppb) + self._slewed(elapsed_ns)
        )

    def _statement_bound(self, board_ns):
        return self.half_round_trip_ns + _scaled(abs(board_ns - self.accepted_board_ns), _DRIFT_LIMIT_PPB)

    def bound_ns(self, board_ns):
        """How far ROS time may be from ros_ns; -1 before the first exchange."""
        if self.exchanges == 0:
            return -1
        left_ns = self.correction_ns - self._slewed(board_ns - self.anchor_board_ns)
        return self._statement_bound(board_ns) + abs(left_ns)

    def locked(self, now_ns):
        return (
            self.exchanges >= _LOCK_EXCHANGES and not self.suspect and self.bound_ns(now_ns) < _BOUND_LIMIT_NS
        )

    def exchange(self, sent_ns, agent_receive_ns, agent_transmit_ns, received_ns):
        """Request sent and reply received in board time; agent's receive and transmit in ROS time."""
        round_trip_ns = received_ns - sent_ns
        held_ns = agent_transmit_ns - agent_receive_ns
        half_ns = (round_trip_ns - held_ns) // 2
        if round_trip_ns < 0 or held_ns < 0 or half_ns < 0 or half_ns > _SLOWEST_NS:
            self.rejected += 1
            return
        out_ns = agent_receive_ns - sent_ns
        back_ns = agent_transmit_ns - received_ns
        self._take(sent_ns + round_trip_ns // 2, (out_ns + back_ns) // 2, half_ns, received_ns)

    def _predicted(self, board_ns):
        return self.accepted_offset_ns + _scaled(board_ns - self.accepted_board_ns, self.drift_ppb)

    def _take(self, middle_ns, offset_ns, half_ns, now_ns):
        if self.exchanges > 0:
            apart_ns = abs(offset_ns - self._predicted(middle_ns))
            if apart_ns > half_ns + self._statement_bound(middle_ns):
                if not self.suspect:
                    self.suspect = True
                    return
                self.exchanges = 0
        self.suspect = False
        if self.exchanges == 0:
            self.epoch += 1
            self.points.clear()
        if self.exchanges == 0 or half_ns <= self._statement_bound(middle_ns):
            self._record(middle_ns, offset_ns, half_ns)
            self.accepted_offset_ns = offset_ns
            self.accepted_board_ns = middle_ns
            self.half_round_trip_ns = half_ns
        self._aim(now_ns)
        self.exchanges = min(255, self.exchanges + 1)

    def _record(self, board_ns, offset_ns, half_ns):
        """The best accepted exchange of each interval is a point of the regression."""
        points = self.points
        since_ns = board_ns - self.interval_start_ns
        if since_ns > _STALE_POINT_NS:
            points.clear()
        if not points or since_ns >= _POINT_NS:
            if len(points) == _POINTS:
                points.pop(0)
            points.append([board_ns, offset_ns, half_ns])
            self.interval_start_ns = board_ns
        elif half_ns < points[-1][2]:
            points[-1][:] = [board_ns, offset_ns, half_ns]

    def _aim(self, now_ns):
        """Bends the line towards the accepted exchange without a step; before the lock it may step.

        Where only the slewing of a large correction would keep the clock from use, it steps into a new epoch.
        """
        shown_ns = self.ros_ns(now_ns)
        self.drift_ppb = self._regress()
        target_ns = now_ns + self._predicted(now_ns)
        left_ns = target_ns - shown_ns
        known_ns = self._statement_bound(now_ns)
        far = known_ns < _BOUND_LIMIT_NS <= known_ns + abs(left_ns)
        begun = self.exchanges >= _LOCK_EXCHANGES
        if begun and far:
            self.epoch += 1
        slew = begun and not far
        self.anchor_board_ns = now_ns
        self.anchor_ros_ns = shown_ns if slew else target_ns
        self.correction_ns = left_ns if slew else 0

    def _regress(self):
        """Slope of the points in ppb, shrunk by its uncertainty (two sigma) and held within the drift limit."""
        points = self.points
        if len(points) < 3:
            return self.drift_ppb
        smallest_ns = min(point[2] for point in points)
        newest_ns, base_ns, _ = points[-1]
        sum_w = sum_t = sum_y = sum_tt = sum_ty = 0.0
        for board_ns, offset_ns, half_ns in points:
            sigma_us = _POINT_NOISE_US + (half_ns - smallest_ns) * 1e-3
            weight = 1.0 / (sigma_us * sigma_us)
            time_s = (board_ns - newest_ns) * 1e-9
            offset_us = (offset_ns - base_ns) * 1e-3
            sum_w += weight
            sum_t += weight * time_s
            sum_y += weight * offset_us
            sum_tt += weight * time_s * time_s
            sum_ty += weight * time_s * offset_us
        spread = sum_tt - sum_t * sum_t / sum_w
        slope_ppm = (sum_ty - sum_t * sum_y / sum_w) / spread
        strength = spread * slope_ppm * slope_ppm
        if not strength > 4.0:
            return 0
        ppb = int(slope_ppm * (1.0 - 4.0 / strength) * 1e3)
        return max(-_DRIFT_LIMIT_PPB, min(_DRIFT_LIMIT_PPB, ppb))
