"""The graph: one middle for simulation and robot, kept whole through its file."""

from pathlib import Path

from takt import graph

MIDDLE = ["bystander", "agent", "camera", "detector", "planner", "dashboard", "recorder"]


def options(**more):
    return graph.SimOptions(run_dir=Path("/run"), firmware=Path("/fw"), **more)


def test_simulation_and_robot_share_the_middle_and_differ_at_the_ends():
    simulated = [process.name for process in graph.simulation(options())]
    assert simulated == ["firmware", "plant", *MIDDLE]
    assert [process.name for process in graph.robot("/dev/ttyACM0")] == MIDDLE


def test_gazebo_shares_the_middle_and_everything_with_ros_runs_in_its_time():
    processes = graph.gazebo(options(seed=3), "gz")
    assert [process.name for process in processes] == ["firmware", "gazebo_plant", *MIDDLE]
    assert {process.parameters.get("use_sim_time") for process in processes if process.ros} == {True}
    firmware, plant, camera = processes[0], processes[1], processes[4]
    assert firmware.arguments[-2:] == ("--clock", "plant")
    assert (plant.parameters["plant"], plant.parameters["seed"]) == ("/run/plant", 3)
    assert (camera.parameters["source"], camera.parameters["topic"]) == ("topic", "gazebo/image")
    assert graph.supervisor_parameters(processes, "automatic")["use_sim_time"] is True


def test_the_supervisor_learns_whom_to_drive_and_which_ring_to_watch():
    parameters = graph.supervisor_parameters(graph.simulation(options(name="x")), "automatic")
    assert parameters == {
        "board_on_host": True,
        "lifecycle_nodes": "camera,detector,planner",
        "ring": "x_camera",
        "rearm": "automatic",
    }


def test_the_recorder_comes_last_and_records_whole_runs_where_asked():
    recorder = graph.simulation(options(record=True))[-1]
    assert recorder.parameters == {
        "ring": "takt_camera",
        "whole_run": True,
        "folder": "/run/recordings",
    }
    assert graph.robot("/dev/ttyACM0")[-1].parameters == {"ring": "takt_camera", "whole_run": False}


def test_a_cut_line_runs_through_a_cable():
    processes = {process.name: process for process in graph.simulation(options(cut_link_at_s=5.0))}
    assert processes["agent"].parameters["device"] == "/run/cable"
    assert "cable" in processes


def test_a_saved_graph_comes_back_equal(tmp_path):
    wanted = graph.simulation(options(seed=7))
    graph.save(wanted, tmp_path / "graph.json")
    assert graph.load(tmp_path / "graph.json") == wanted
