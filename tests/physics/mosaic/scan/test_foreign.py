"""Scans that somebody else made: given to crystals by place, and judged like our own."""

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld, draw_plate
from beamgym.physics.mosaic.scan import analysed, read_foreign
from beamgym.physics.orientation import misorientation_deg

CRYSTAL = load_crystal("YFe2Ge2")
SQUARE = Outline("1", np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]))


def table(folder, text):
    path = folder / "positions.csv"
    path.write_text(text)
    return path


def test_a_folder_of_images_and_a_table_give_the_orientations(tmp_path):
    plate = draw_plate(CRYSTAL, 8, PlateOptions.faultless(6))
    world, one = PlateWorld.of(plate, CRYSTAL, frames="rendered"), np.ones(1, dtype=np.bool_)
    lines = ["file,x_mm,y_mm,exposure_s"]
    for outline in plate.outlines:
        world.move(outline.centre_mm[None], one)
        image = world.acquire(AcquireSettings(10.0), one).image[0]
        Image.fromarray(image).save(tmp_path / f"{outline.name}.tiff")
        lines.append(f"{outline.name}.tiff,{outline.centre_mm[0]:.3f},{outline.centre_mm[1]:.3f},10")
    lines.append("1.tiff,90.0,90.0,10")
    found = read_foreign(table(tmp_path, "\n".join(lines)), plate.outlines, finder=world.camera.finder)
    assert found.outside == ("1.tiff",)
    assert found.unvisited == ()
    scan = analysed(found.frames, plate.outlines, world.context)
    error = [
        float(misorientation_deg(seen.orientation, true.grains[0].orientation, scan.rotations))
        for seen, true in zip(scan.crystals, plate.crystals, strict=True)
        if seen.verdict == "indexed"
    ]
    assert len(error) >= 5
    assert np.median(error) < 0.06


def test_lists_of_peaks_do_as_well_and_crystals_without_a_frame_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,intensity\n1,2,3\n4,5,6\n")
    other = Outline("2", SQUARE.polygon_mm + 10.0)
    found = read_foreign(table(tmp_path, "file,x_mm,y_mm\na.csv,1,1\n"), [SQUARE, other], exposure_s=7.0)
    assert found.unvisited == ("2",)
    (frame,) = found.frames["1"]
    assert frame.peaks.position_px[0].tolist() == [[4.0, 5.0], [1.0, 2.0]]
    assert frame.exposure_s == 7.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,x_mm\na.csv,1\n", "column 'y_mm' is missing"),
        ("file,x,y_mm\na.csv,1,1\n", "column 'x' has no unit; call it x_mm"),
        ("file,x_mm,y_mm\n", "holds no frames"),
        ("file,x_mm,y_mm\na.csv,one,1\n", "row 2, x_mm: 'one' is no finite number"),
        ("file,x_mm,y_mm\nb.csv,1,1\n", "b.csv is not in"),
        ("file,x_mm,y_mm\na.csv,50,50\n", "none of the 1 places .* lies in an outline"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(tmp_path, text, said):
    (tmp_path / "a.csv").write_text("x,y,intensity\n1,2,3\n")
    with pytest.raises(ValueError, match=said) as caught:
        read_foreign(table(tmp_path, text), [SQUARE])
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="there is no"):
        read_foreign(tmp_path / "none.csv", [SQUARE])
