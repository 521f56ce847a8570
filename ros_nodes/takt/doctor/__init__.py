"""`takt doctor`: what on this computer would keep a robot from its deadlines, why, and the command that mends it.

Every check is a function of a :class:`~takt.doctor.machine.Machine`, which reads files below a root and knows the few
facts that are no files; tests plant misconfigurations in a root of their own. Nothing here changes the computer.
"""
