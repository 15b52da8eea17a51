"""TIFF as other programs write it, to the last byte; what is damaged is refused, never filled with zeros."""

import struct
import zlib

import fabio.tifimage
import numpy as np
import pytest
from PIL import Image

from beamgym.physics.laue.files import ImageFileError, read_image
from beamgym.physics.laue.files.images import unpack_kernels

SHAPE = (50, 70)
COUNTS = (np.random.default_rng(2).poisson(40.0, SHAPE) + 900 * (np.arange(SHAPE[1]) == 30)).astype(np.uint16)


def write_tiff(path, values, order="<", big=False, tile=None, strip=16, pack=None, planar=1, more=()):
    """Write a TIFF by hand: strips or tiles of 16 rows, either byte order, with 64-bit offsets or without."""
    values = np.ascontiguousarray(values, values.dtype.newbyteorder(order))
    rows, columns, samples = (*values.shape, 1)[:3]
    planes = [values[..., k] for k in range(samples)] if planar == 2 else [values]
    pieces = []
    for plane in planes:
        if tile:
            padding = [(0, -rows % tile), (0, -columns % tile)] + [(0, 0)] * (plane.ndim - 2)
            wide = np.pad(plane, padding)
            for row in range(0, rows, tile):
                pieces += [wide[row : row + tile, c : c + tile].tobytes() for c in range(0, columns, tile)]
        else:
            pieces += [plane[row : row + strip].tobytes() for row in range(0, rows, strip)]
    pieces = [zlib.compress(piece) for piece in pieces] if pack == "deflate" else pieces
    word, size = ("Q", 8) if big else ("I", 4)
    place, body, offsets = (16 if big else 8), b"", []
    for piece in pieces:
        offsets.append(place + len(body))
        body += piece
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    where = {322: (tile,), 323: (tile,), 324: offsets, 325: [len(p) for p in pieces]} if tile else {
        273: offsets, 278: (strip,), 279: [len(p) for p in pieces]}  # fmt: skip
    tags = {
        256: (columns,), 257: (rows,), 258: (8 * values.itemsize,) * samples, 259: (8 if pack else 1,),
        262: (2 if samples == 3 else 1,), 277: (samples,), 284: (planar,), 339: (kind,) * samples, **where,
        **dict(more),
    }  # fmt: skip
    directory, extra = b"", b""
    start = place + len(body)
    behind = start + (8 if big else 2) + len(tags) * (20 if big else 12) + size
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}{word}", *numbers)
        if len(packed) > size:
            packed, extra = struct.pack(order + word, behind + len(extra)), extra + packed
        directory += struct.pack(f"{order}HH{word}", tag, 16 if big else 4, len(numbers)) + packed
    head = b"II" if order == "<" else b"MM"
    head += struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, start) if big else (42, start)))
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    path.write_bytes(head + body + count + directory + struct.pack(order + word, 0) + extra)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
def test_every_sample_type_comes_back_in_this_machines_order(tmp_path, order, kind):
    values = np.minimum(COUNTS, 120).astype(kind)
    image = read_image(write_tiff(tmp_path / "x.tif", values, order)).image
    np.testing.assert_array_equal(image, values)
    assert image.dtype == np.dtype("f4" if kind == "f2" else kind)


@pytest.mark.parametrize(
    "layout",
    [
        {"tile": 16}, {"tile": 32, "pack": "deflate"}, {"strip": 7}, {"strip": 1000}, {"big": True},
        {"big": True, "order": ">", "tile": 16}, {"pack": "deflate"},
    ],
)  # fmt: skip
def test_every_layout_comes_back(tmp_path, layout):
    np.testing.assert_array_equal(read_image(write_tiff(tmp_path / "x.tif", COUNTS, **layout)).image, COUNTS)


@pytest.mark.parametrize("planar", [1, 2])
def test_colours_of_sixteen_bits_keep_them(tmp_path, planar):
    colours = np.stack([COUNTS] * 3, axis=2)
    file = read_image(write_tiff(tmp_path / "x.tif", colours, planar=planar))
    np.testing.assert_array_equal(file.image, COUNTS)


@pytest.mark.parametrize(
    ("compression", "predictor"),
    [("raw", 1), ("packbits", 1)]
    + [(c, p) for c in ("tiff_lzw", "tiff_deflate", "tiff_adobe_deflate") for p in (1, 2)],
)
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_what_libtiff_packs_is_unpacked(tmp_path, compression, kind, predictor):
    predictor = 3 if kind == "f4" and predictor == 2 else predictor
    values = np.minimum(COUNTS, 255 if kind == "u1" else 2**15).astype(kind)
    Image.fromarray(values).save(tmp_path / "x.tif", compression=compression, tiffinfo={317: predictor, 278: 16})
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif").image, values)


def test_a_long_lzw_stream_outgrows_its_table_and_comes_back(tmp_path):
    values = np.random.default_rng(3).integers(0, 65536, (300, 300)).astype(np.uint16)
    values[100:200] = 5
    Image.fromarray(values).save(tmp_path / "x.tif", compression="tiff_lzw", tiffinfo={278: 300})
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif").image, values)


def test_what_fabio_writes_comes_back(tmp_path):
    fabio.tifimage.TifImage(data=COUNTS.astype(np.int32)).write(str(tmp_path / "x.tif"))
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif").image, COUNTS)


def test_pages_are_frames_and_thumbnails_are_none(tmp_path):
    pages = [Image.fromarray(COUNTS + k) for k in range(3)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    file = read_image(tmp_path / "x.tif", frame=2)
    assert file.frames == 3
    np.testing.assert_array_equal(file.image, COUNTS + 2)
    write_tiff(tmp_path / "small.tif", COUNTS, more={254: (1,)}.items())
    with pytest.raises(ImageFileError, match="no picture in it"):
        read_image(tmp_path / "small.tif")


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_file_cut_short_is_refused(tmp_path, compression, share):
    Image.fromarray(np.minimum(COUNTS, 255).astype(np.uint8)).save(tmp_path / "x.tif", compression=compression)
    raw = (tmp_path / "x.tif").read_bytes()
    (tmp_path / "x.tif").write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(ImageFileError, match="damaged") as caught:
        read_image(tmp_path / "x.tif")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [1, 20, 200])
def test_deflated_data_with_a_hole_are_refused_by_their_checksum(tmp_path, length):
    write_tiff(tmp_path / "x.tif", COUNTS, pack="deflate", strip=50)
    raw = bytearray((tmp_path / "x.tif").read_bytes())
    raw[600 : 600 + length] = bytes(255 - byte for byte in raw[600 : 600 + length])
    (tmp_path / "x.tif").write_bytes(raw)
    with pytest.raises(ImageFileError, match="damaged"):
        read_image(tmp_path / "x.tif")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({258: (12,)}, "12 bits a sample"),
        ({259: (50000,)}, "packed by TIFF compression 50000"),
        ({262: (5,)}, "printer's or television colours"),
        ({266: (2,)}, "bits in reverse"),
        ({339: (5,)}, "complex numbers"),
        ({256: (0,)}, "0 pixels|50 × 0"),
        ({256: (2**31,)}, "more than 64 million"),
        ({278: (0,)}, "damaged|no image"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, more, says):
    write_tiff(tmp_path / "x.tif", COUNTS, more=more.items())
    with pytest.raises(ImageFileError, match=says) as caught:
        read_image(tmp_path / "x.tif")
    assert "\n" not in str(caught.value)


def test_codes_that_cannot_be_are_told_apart_from_data_that_end():
    out = np.zeros(4, np.uint8)
    # clear, then a code that no table holds yet
    assert unpack_kernels.unpack_lzw(np.frombuffer(bytes([0x80, 0x7F, 0xFF, 0xFF]), np.uint8), out) == -1
    # clear, 7, end: 100000000 000000111 100000001
    assert unpack_kernels.unpack_lzw(np.frombuffer(bytes([0x80, 0x01, 0xE0, 0x20]), np.uint8), out) == 1
    assert out[0] == 7
    assert unpack_kernels.unpack_runs(np.frombuffer(bytes([254, 9, 128, 0, 5]), np.uint8), out) == 4
    assert out.tolist() == [9, 9, 9, 5]
