"""Pictures and truth: what is drawn lies where the geometry says, and what covers covers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import takt.contract
from takt.simulation.scenario import Scenario
from takt.simulation.scene import TARGET_MOCAP, Scene, build
from takt.simulation.scene_camera import SceneCamera
from takt.simulation.scene_spec import OBSTACLE_CLASS, TARGET_CLASS, Pose, SceneSpec, Solid

ROBOT = takt.contract.load().robot
BASE = replace(
    SceneSpec.from_seed(1), robot=Pose(-1.0, 0.0, 0.0), target=Pose(0.2, 0.0), obstacles=(), panel=None
)
PILLAR = Solid("box", (0.05, 0.05, 0.3), Pose(-0.3, 0.0), (0.1, 0.2, 0.9))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return build(BASE, ROBOT)


@pytest.fixture(scope="module")
def camera(scene: Scene) -> Iterator[SceneCamera]:
    with SceneCamera(scene, ROBOT.camera_width_px, ROBOT.camera_height_px) as opened:
        yield opened


def draw(scene: Scene, camera: SceneCamera, spec: SceneSpec) -> np.ndarray:
    pixels = np.empty((ROBOT.camera_height_px, ROBOT.camera_width_px, 3), np.uint8)
    scene.apply(spec)
    camera.render_into(scene.data, pixels)
    return pixels


def test_target_is_drawn_orange_upright_and_in_the_middle(scene: Scene, camera: SceneCamera) -> None:
    pixels = draw(scene, camera, BASE)
    (class_id, box, visible), *others = camera.truth_boxes(scene.data)
    assert others == [] and class_id == TARGET_CLASS and visible > 0.97
    assert (box[0] + box[2]) / 2 == pytest.approx(ROBOT.camera_width_px / 2, abs=1.0)
    inside = pixels[int(box[1]) + 2 : int(box[3]) - 2, 155:165].reshape(-1, 3).astype(int)
    red, green, blue = inside.mean(axis=0)
    assert red > green > blue and red > 2 * blue
    upper, lower = inside[: len(inside) // 3].mean(), inside[-len(inside) // 3 :].mean()
    assert abs(upper - lower) > 10  # two bands


def test_truth_box_is_the_projected_geometry(scene: Scene, camera: SceneCamera) -> None:
    rng = np.random.default_rng(3)
    for _ in range(25):
        target = Pose(float(rng.uniform(-0.4, 2.0)), float(rng.uniform(-0.6, 0.6)))
        scene.apply(replace(BASE, target=target, robot_pitch_rad=float(rng.normal(0.0, 0.02))))
        drawn = next(box for box in camera.truth(scene.data) if box.mocap_id == TARGET_MOCAP)
        outline = camera.outline(scene.data, TARGET_MOCAP)
        assert camera.view.pixel_box(outline) == pytest.approx(drawn.box_xyxy_px, abs=1.0)
        assert camera.view.area_in_picture(outline) == pytest.approx(drawn.visible_px, rel=0.05)


def test_quick_sighting_equals_the_drawn_one_in_random_scenes(scene: Scene, camera: SceneCamera) -> None:
    """The outline may stand in for the picture only where nothing covers the target."""
    rng, drawn_ones = np.random.default_rng(8), 0
    for _ in range(40):
        scene.apply(SceneSpec.randomised(rng))
        sighting = camera.sighting(scene.data, TARGET_MOCAP)
        drawn = [box for box in camera.truth(scene.data) if box.mocap_id == TARGET_MOCAP]
        if not drawn:
            assert sighting.visible_px <= 3.0
            continue
        drawn_ones += 1
        assert sighting.visible_px == pytest.approx(drawn[0].visible_px, rel=0.05, abs=15.0)
        assert sighting.box_xyxy_px == pytest.approx(drawn[0].box_xyxy_px, abs=1.0)
    assert drawn_ones >= 15


def test_pillar_before_the_target_hides_a_part_and_is_an_obstacle(scene: Scene, camera: SceneCamera) -> None:
    draw(scene, camera, replace(BASE, obstacles=(PILLAR,)))
    boxes = {class_id: visible for class_id, _, visible in camera.truth_boxes(scene.data)}
    assert set(boxes) == {TARGET_CLASS, OBSTACLE_CLASS}
    assert boxes[OBSTACLE_CLASS] > 0.97
    sighting = camera.sighting(scene.data, TARGET_MOCAP)
    assert 0.3 < sighting.hidden_px / sighting.whole_px < 0.95
    assert boxes[TARGET_CLASS] == pytest.approx(1.0 - sighting.hidden_px / sighting.whole_px, abs=0.02)


def test_pillar_behind_the_target_hides_nothing(scene: Scene, camera: SceneCamera) -> None:
    draw(scene, camera, replace(BASE, obstacles=(replace(PILLAR, pose=Pose(1.0, 0.0)),)))
    assert {c: v for c, _, v in camera.truth_boxes(scene.data)}[TARGET_CLASS] > 0.97


def test_panel_of_a_scenario_covers_the_target_altogether(scene: Scene, camera: SceneCamera) -> None:
    scenario = Scenario.from_seed(1)
    middle_s = scenario.passes[0].middle_s
    panel = scenario.panel_pose(middle_s, BASE.robot, BASE.target)
    draw(scene, camera, replace(BASE, panel=panel))
    sighting = camera.sighting(scene.data, TARGET_MOCAP)
    assert sighting.box_xyxy_px is None and sighting.hidden_px == sighting.in_picture_px > 0.0


def test_target_behind_the_robot_is_out_of_view_and_not_hidden(scene: Scene, camera: SceneCamera) -> None:
    draw(scene, camera, replace(BASE, target=Pose(-2.0, 0.0)))
    sighting = camera.sighting(scene.data, TARGET_MOCAP)
    assert sighting.box_xyxy_px is None and sighting.hidden_px == 0.0


def test_equal_scenes_give_equal_pictures(scene: Scene, camera: SceneCamera) -> None:
    first = draw(scene, camera, BASE)
    draw(scene, camera, SceneSpec.randomised(np.random.default_rng(5)))
    assert np.array_equal(draw(scene, camera, BASE), first)
    assert first.std() > 10.0


def test_rearranged_scene_looks_as_one_that_was_built_so(scene: Scene, camera: SceneCamera) -> None:
    spec = SceneSpec.randomised(np.random.default_rng(12))
    rearranged = draw(scene, camera, spec).astype(int)
    built = build(spec, ROBOT)
    with SceneCamera(built, ROBOT.camera_width_px, ROBOT.camera_height_px) as other:
        fresh = np.empty_like(rearranged, dtype=np.uint8)
        other.render_into(built.data, fresh)
    assert np.abs(rearranged - fresh).max() <= 2


def test_what_is_saved_in_drawing_does_not_show(scene: Scene, camera: SceneCamera) -> None:
    """Arenas, floors and poses by seed, things behind, beside and across the border: as MuJoCo draws everything."""
    everything = np.empty((ROBOT.camera_height_px, ROBOT.camera_width_px, 3), np.uint8)
    left_out, styles = 0, set()
    for seed in range(24):
        rng = np.random.default_rng(seed)
        turned = Pose(float(rng.uniform(-2, 2)), float(rng.uniform(-1, 1)), float(rng.uniform(-3.1, 3.1)))
        spec = SceneSpec.from_seed(seed) if seed % 2 else SceneSpec.randomised(rng)
        pixels = draw(scene, camera, replace(spec, robot=turned))
        drawn = camera._renderer.scene.ngeom
        camera._renderer.update_scene(scene.data, camera._camera_id)
        left_out += camera._renderer.scene.ngeom - drawn
        camera._renderer.render(out=everything)
        apart = np.abs(pixels.astype(int) - everything).max(axis=2)
        assert apart.max() <= 1 and np.count_nonzero(apart) < 0.003 * apart.size, seed
        styles.add(spec.look.floor_style)
    assert left_out > 24 * 8
    assert len(styles) > 1
