"""Package metadata for pip and colcon alike (ament_python)."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = "takt"
HERE = Path(__file__).resolve().parent

NODES = ("camera", "detector", "planner", "agent", "supervisor", "dashboard", "recorder", "gazebo_plant")
SCRIPTS = [
    "takt = takt.cli:main",
    "takt_plant = takt.simulation.plant_process:main",
    "takt_bystander = takt.realtime.bystander:main",
    "takt_cable = takt.simulation.cable:main",
    *(f"takt_{node} = takt.nodes.{node}:main" for node in NODES),
]


def files_under(folder: str) -> list[tuple[str, list[str]]]:
    """One data_files entry a folder: share/takt keeps the layout of the source tree, which takt.resources relies on."""
    entries = []
    for path in sorted(p for p in [HERE / folder, *(HERE / folder).rglob("*")] if p.is_dir()):
        files = [str(f.relative_to(HERE)) for f in sorted(path.iterdir()) if f.is_file()]
        if files and path.name != "__pycache__":
            entries.append((f"share/{NAME}/{path.relative_to(HERE)}", files))
    return entries


def files_beside_code() -> list[str]:
    """What is no Python in the package (page, type marker), by name: older setuptools knows no ``**`` here."""
    package = HERE / "ros_nodes" / NAME
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    return sorted(str(path.relative_to(package)) for path in files)


setup(
    name=NAME,
    version="0.1.0",
    description="Control stack for small camera robots in which every stage has a measured deadline",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    maintainer="Takt maintainers",
    maintainer_email="takt@example.org",
    python_requires=">=3.10",
    packages=find_packages("ros_nodes"),
    package_dir={"": "ros_nodes"},
    package_data={NAME: files_beside_code()},
    # ROS itself is not named here: it comes from the system, or from requirements/ros-kilted.txt.
    install_requires=[
        "aiohttp",
        "fastcrc",
        "mcap",
        "numpy",
        "onnxruntime",
        "pillow",
        "prometheus-client",
        "pyserial",
        "PyYAML",
        "simple-pid",
    ],
    extras_require={"simulation": ["mujoco"], "camera": ["opencv-python-headless"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"lib/{NAME}", [f"libexec/{script.split(' ')[0]}" for script in SCRIPTS]),
        *files_under("config"),
        *files_under("launch"),
        *files_under("sim"),
    ],
    entry_points={"console_scripts": SCRIPTS},
    zip_safe=False,
)
