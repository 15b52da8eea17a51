"""`beamgym denoise`: answers beside the originals in their formats, never over them, and one line for bad input."""

import csv
import json

import h5py
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from beamgym.physics.laue.files.images import read_image
from beamgym.physics.scenes import read_sans
from beamgym.scripts import main
from beamgym.scripts.denoise.files import CBF_SCALE, read_stack

COUNTS = np.random.default_rng(0).poisson(2.0, (2, 64, 72)).astype(np.uint16)


def denoise(*words):
    return CliRunner().invoke(main.app, ["denoise", *map(str, words)])


def written(path, kind):
    if kind == ".tif":
        pages = [Image.fromarray(frame) for frame in COUNTS]
        pages[0].save(path, save_all=True, append_images=pages[1:])
    elif kind == ".npy":
        np.save(path, COUNTS[0])
    elif kind == ".h5":
        with h5py.File(path, "w") as file:
            file["entry/data/data"] = COUNTS
    elif kind == ".edf":
        from fabio.edfimage import EdfImage

        EdfImage(data=COUNTS[0]).write(str(path))
    else:
        from fabio.cbfimage import CbfImage

        CbfImage(data=COUNTS[0].astype(np.int32)).write(str(path))
    return path


class TestFormats:
    @pytest.mark.parametrize("kind", [".tif", ".npy", ".h5", ".edf", ".cbf"])
    def test_an_answer_has_the_format_of_its_original_and_its_counts(self, tmp_path, kind):
        path = written(tmp_path / f"a{kind}", kind)
        before = path.read_bytes()
        result = denoise(path)
        assert result.exit_code == 0, result.output
        assert path.read_bytes() == before
        rate = read_image(tmp_path / f"a.rate{kind}", 0, invert=False).image.astype(float)
        rate /= CBF_SCALE if kind == ".cbf" else 1.0
        assert rate.sum() == pytest.approx(COUNTS[0].sum(), rel=5e-3)
        assert rate.std() < 0.5 * COUNTS[0].std()
        assert (tmp_path / f"a.uncertainty{kind}").is_file()
        told = json.loads((tmp_path / "a.denoised.json").read_text("utf-8"))
        assert told["scene"] == "laue"
        assert told["rate"] == f"a.rate{kind}"

    def test_a_sans_table_keeps_its_lines_and_its_beam_stop(self, tmp_path):
        rows = [
            f"{x}\t{y}\t{COUNTS[0, y + 20, x + 20]}\t0\t0\t0\t{int(x * x + y * y > 30)}"
            for y in range(-18, 18)
            for x in range(-18, 18)
        ]
        path = tmp_path / "a.dat"
        path.write_text("Data columns are Qx - Qy - I\n" + "\n".join(rows) + "\n")
        assert denoise(path, "--scene", "laue").exit_code == 0
        found = read_sans(tmp_path / "a.rate.dat")
        assert np.isnan(found.counts[found.mask]).all()
        assert np.isfinite(found.counts[~found.mask]).all()
        assert (tmp_path / "a.rate.dat").read_text().startswith("Data columns")

    def test_full_pixels_stay_masked(self, tmp_path):
        full = COUNTS[0].copy()
        full[10, 12] = 65535
        np.save(tmp_path / "a.npy", full)
        stack = read_stack(tmp_path / "a.npy")
        assert stack.mask[10, 12]
        assert denoise(tmp_path / "a.npy").exit_code == 0
        assert np.isnan(np.load(tmp_path / "a.rate.npy")[10, 12])


class TestPixels:
    def test_dead_and_hot_pixels_of_a_stack_are_named_and_masked_where_asked(self, tmp_path):
        stack = np.random.default_rng(1).poisson(6.0, (10, 40, 44)).astype(np.uint16)
        stack[:, 12, 30], stack[:, 20, 9] = 0, 90
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["entry/data/data"] = stack
        result = denoise(tmp_path / "a.h5")
        assert "1 dead and 1 hot pixels are suspected" in result.output
        told = json.loads((tmp_path / "a.denoised.json").read_text("utf-8"))
        assert told["suspected"] == {"dead": [[30, 12]], "hot": [[9, 20]], "masked": False}
        again = denoise(tmp_path / "a.h5", "--mask-suspected", "--overwrite")
        assert "they are masked" in again.output
        with h5py.File(tmp_path / "a.rate.h5") as file:
            rate = file["entry/data/data"][()]
        assert np.isnan(rate[:, [12, 20], [30, 9]]).all()
        assert np.isnan(rate).sum() == 20

    def test_a_gain_that_nobody_told_is_flagged(self, tmp_path):
        np.save(tmp_path / "a.npy", np.rint(1.3 * COUNTS[0]).astype(np.uint16))
        assert "hardly a pixel holds 2" in denoise(tmp_path / "a.npy").output


class TestPeaks:
    def test_peaks_at_places_of_a_file_are_measured(self, tmp_path):
        path = written(tmp_path / "a.h5", ".h5")
        (tmp_path / "p.csv").write_text("column,row,sigma,sigma\n36,30,2,4\n# not this\n20.5, 31, 2, 3\n")
        result = denoise(path, "--peaks-at", tmp_path / "p.csv")
        assert result.exit_code == 0, result.output
        rows = list(csv.DictReader((tmp_path / "a.peaks.csv").read_text().splitlines()))
        assert [row["frame"] for row in rows] == ["0", "0", "1", "1"]
        assert all(abs(float(row["significance"])) < 4.0 for row in rows)
        assert float(rows[0]["ground"]) == pytest.approx(2.0, rel=0.2)
        told = json.loads((tmp_path / "a.denoised.json").read_text("utf-8"))
        assert told["peaks"]["network"] == "ground-diffraction"

    @pytest.mark.parametrize(
        ("text", "line"), [("", "names no places"), ("1,2,3\n", "names no places"), ("1,2,0,3\n", "above 0")]
    )
    def test_a_file_without_places_is_one_line(self, tmp_path, text, line):
        path = written(tmp_path / "a.npy", ".npy")
        (tmp_path / "p.csv").write_text(text)
        result = denoise(path, "--peaks-at", tmp_path / "p.csv")
        assert result.exit_code == 1
        assert line in result.output
        assert not (tmp_path / "a.rate.npy").exists()
        assert "there is no file" in denoise(path, "--peaks-at", tmp_path / "q.csv").output


class TestRefusals:
    def test_earlier_answers_are_kept_unless_told(self, tmp_path):
        path = written(tmp_path / "a.npy", ".npy")
        assert denoise(path).exit_code == 0
        again = denoise(path)
        assert isinstance(again.exception, SystemExit)
        assert "add --overwrite" in again.output
        assert denoise(path, "--overwrite").exit_code == 0

    @pytest.mark.parametrize(
        ("values", "line"),
        [
            (COUNTS[0] - 5.0, "below 0"),
            (np.maximum(np.round(COUNTS[0]).astype(np.int32) - int(COUNTS[0].max()), -3), "below 0"),
            (COUNTS[0] * 1.3, "give the gain"),
            (COUNTS[0, :20], "32 pixels or more"),
        ],
    )
    def test_what_is_no_frame_of_counts_is_one_line(self, tmp_path, values, line):
        np.save(tmp_path / "a.npy", values)
        result = denoise(tmp_path / "a.npy")
        assert result.exit_code == 1
        assert line in result.output
        assert not (tmp_path / "a.rate.npy").exists()

    def test_pairs_whose_stacks_differ_are_refused(self, tmp_path):
        path = written(tmp_path / "a.npy", ".npy")
        with h5py.File(tmp_path / "p.h5", "w") as file:
            file["low"], file["high"] = COUNTS, COUNTS[:1]
        result = denoise(path, "--pairs", tmp_path / "p.h5")
        assert "each frame needs its partner" in result.output
        with h5py.File(tmp_path / "q.h5", "w") as file:
            file["low"] = COUNTS
        assert "needs two data sets, low and high" in denoise(path, "--pairs", tmp_path / "q.h5").output

    def test_one_network_is_named_at_most(self, tmp_path):
        path = written(tmp_path / "a.npy", ".npy")
        assert "leave out --scene" in denoise(path, "--bundle", tmp_path, "--scene", "laue").output
        assert "either from these frames" in denoise(path, "--train-on-this", "--pairs", path).output


class TestPlans:
    @staticmethod
    def sans(path, level):
        counts = np.random.default_rng(1).poisson(level, (40, 40))
        rows = [
            f"{x}\t{y}\t{counts[y + 20, x + 20]}\t0\t0\t0\t{int(x * x + y * y > 9)}"
            for y in range(-20, 20)
            for x in range(-20, 20)
        ]
        path.write_text("Data columns are Qx - Qy - I\n" + "\n".join(rows) + "\n")
        return path

    def test_a_plan_shares_the_hours_and_writes_no_frame(self, tmp_path):
        sample, ground = self.sans(tmp_path / "s.dat", 40.0), self.sans(tmp_path / "b.dat", 8.0)
        result = denoise(sample, "--plan", ground, "--times", "600,600", "--hours", 2, "--json", tmp_path / "p.json")
        assert result.exit_code == 0, result.output
        plan = json.loads((tmp_path / "p.json").read_text("utf-8"))["plan"]
        assert plan["sample_s"] + plan["background_s"] + plan["transmission_s"] == pytest.approx(7200.0)
        assert plan["sample_s"] > plan["background_s"]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["b.dat", "p.json", "s.dat"]

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            ([], "give --times SAMPLE,BACKGROUND"),
            (["--times", "600"], "give --times SAMPLE,BACKGROUND"),
            (["--times", "600,0"], "are to be above 0"),
            (["--times", "600,600", "--transmission", "1.2"], "at most 1"),
        ],
    )
    def test_a_plan_without_its_numbers_is_one_line(self, tmp_path, words, line):
        sample, ground = self.sans(tmp_path / "s.dat", 40.0), self.sans(tmp_path / "b.dat", 8.0)
        assert line in denoise(sample, "--plan", ground, *words).output
