"""Small kernels on (3, 3) rotations, (3,) vectors and angles that the kinematics and the targets share.

Results go to arrays given by the caller, so that a batch allocates nothing per sample. Angles are radians where
not named _deg; positions and limits are degrees. All are inlined: a call that hands over four arrays costs more than
the few products it is for.
"""

import math

from numba import njit

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

_NEARLY_ONE = 1.0 - 1e-6  # cosine of the angle between two roots above which they count as a double one
_COLLINEAR = 1e-9  # sine below which outer and inner axis are one
_SLACK_DEG = 1e-7  # rounding may pass a limit by this much; the position is then put on the limit


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def axis_rotation(axis, angle, out):  # type: ignore[no-untyped-def]
    """Write the right-handed rotation by ``angle`` about the unit ``axis`` to ``out`` (3, 3) (Rodrigues)."""
    c, s = math.cos(angle), math.sin(angle)
    x, y, z = axis[0], axis[1], axis[2]
    t = 1.0 - c
    out[0, 0], out[0, 1], out[0, 2] = c + t * x * x, t * x * y - s * z, t * x * z + s * y
    out[1, 0], out[1, 1], out[1, 2] = t * x * y + s * z, c + t * y * y, t * y * z - s * x
    out[2, 0], out[2, 1], out[2, 2] = t * x * z - s * y, t * y * z + s * x, c + t * z * z


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def write_identity(out):  # type: ignore[no-untyped-def]
    """Write the unit matrix to ``out`` (3, 3)."""
    for i in range(3):
        for j in range(3):
            out[i, j] = 1.0 if i == j else 0.0


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def multiply(a, b, out):  # type: ignore[no-untyped-def]
    """Write a · b to ``out``; all (3, 3) and distinct."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def multiply_transposed(a, b, out):  # type: ignore[no-untyped-def]
    """Write a · bᵀ to ``out``; all (3, 3) and distinct."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[i, 0] * b[j, 0] + a[i, 1] * b[j, 1] + a[i, 2] * b[j, 2]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def transposed_multiply(a, b, out):  # type: ignore[no-untyped-def]
    """Write aᵀ · b to ``out``; all (3, 3) and distinct."""
    for i in range(3):
        for j in range(3):
            out[i, j] = a[0, i] * b[0, j] + a[1, i] * b[1, j] + a[2, i] * b[2, j]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def apply(a, v, out):  # type: ignore[no-untyped-def]
    """Write a · v to ``out`` (3,), distinct from v."""
    for i in range(3):
        out[i] = a[i, 0] * v[0] + a[i, 1] * v[1] + a[i, 2] * v[2]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def apply_transposed(a, v, out):  # type: ignore[no-untyped-def]
    """Write aᵀ · v to ``out`` (3,), distinct from v."""
    for i in range(3):
        out[i] = a[0, i] * v[0] + a[1, i] * v[1] + a[2, i] * v[2]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def dot(a, b):  # type: ignore[no-untyped-def]
    """Return a · b."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def triple(a, b, c):  # type: ignore[no-untyped-def]
    """Return a · (b × c)."""
    return a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def angle_between(axis, start, end):  # type: ignore[no-untyped-def]
    """Return the angle about ``axis`` that turns the projection of ``start`` onto that of ``end``."""
    return math.atan2(triple(axis, start, end), dot(start, end) - dot(axis, start) * dot(axis, end))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def angle_of(axis, m):  # type: ignore[no-untyped-def]
    """Return the angle of the rotation about ``axis`` nearest to the rotation ``m``."""
    sine = axis[0] * (m[2, 1] - m[1, 2]) + axis[1] * (m[0, 2] - m[2, 0]) + axis[2] * (m[1, 0] - m[0, 1])
    along = 0.0
    for i in range(3):
        along += axis[i] * (m[i, 0] * axis[0] + m[i, 1] * axis[1] + m[i, 2] * axis[2])
    return math.atan2(sine, m[0, 0] + m[1, 1] + m[2, 2] - along)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def harmonic_roots(b, c, d):  # type: ignore[no-untyped-def]
    """Solve b cos t + c sin t = d: both roots, and by how much |d| exceeds hypot(b, c), relative (0 where solvable)."""
    reach = math.hypot(b, c)
    if reach < 1e-12:
        return 0.0, 0.0, (0.0 if abs(d) < 1e-9 else 1.0)
    middle = math.atan2(c, b)
    ratio = d / reach
    excess = abs(ratio) - 1.0
    half = math.acos(min(1.0, max(-1.0, ratio)))
    return middle + half, middle - half, (excess if excess > 1e-12 else 0.0)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def fit_limits(angle, near, low, high):  # type: ignore[no-untyped-def]
    """Add whole turns (degrees): the position nearest to ``near`` within the limits, else the one least outside.

    Returns the position and by how much it lies outside.
    """
    start = angle + 360.0 * math.floor((near - angle) / 360.0 + 0.5)
    best, worst_by, best_far = start, math.inf, math.inf
    for turn in range(-1, 2):
        position = start + 360.0 * turn
        outside = max(low - position, position - high, 0.0)
        if outside <= _SLACK_DEG:
            position, outside = min(max(position, low), high), 0.0
        far = abs(position - near)
        if outside < worst_by or (outside == worst_by and far < best_far):
            best, worst_by, best_far = position, outside, far
    return best, worst_by


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def share_turn(total, side, near_a, near_c, low_a, high_a, low_c, high_c, speed_a, speed_c):  # type: ignore[no-untyped-def]
    """Share a + side·c = total (degrees, up to whole turns) between two collinear axes so that both arrive together.

    Returns (a, c, outside); outside > 0 where no sharing respects both limits.
    """
    rest = total - near_a - side * near_c
    rest -= 360.0 * math.floor(rest / 360.0 + 0.5)
    best_a, best_c, best_outside, best_time = near_a, near_c, math.inf, math.inf
    for turn in range(-1, 2):
        sum_ac = near_a + side * near_c + rest + 360.0 * turn
        # a is bounded by its own limits and by those of c = side (sum − a)
        c_low, c_high = (sum_ac - high_c, sum_ac - low_c) if side > 0 else (sum_ac + low_c, sum_ac + high_c)
        floor_a, roof_a = max(low_a, c_low), min(high_a, c_high)
        a = near_a + (rest + 360.0 * turn) * speed_a / (speed_a + speed_c)
        outside = 0.0
        if floor_a <= roof_a + _SLACK_DEG:
            a = min(max(a, floor_a), roof_a)
            c = side * (sum_ac - a)
        else:
            a = min(max(a, low_a), high_a)
            c = side * (sum_ac - a)
            outside = max(low_c - c, c - high_c, _SLACK_DEG)
        time = max(abs(a - near_a) / speed_a, abs(c - near_c) / speed_c)
        if outside < best_outside or (outside == best_outside and time < best_time):
            best_a, best_c, best_outside, best_time = a, c, outside, time
    return best_a, best_c, best_outside


@njit(cache=True, error_model="numpy")
def _polish(n1, n2, n3, r, root, work):  # type: ignore[no-untyped-def]
    """Refine a double root b, which loses digits: compute c again, then b from the middle factor."""
    axis_rotation(n1, -root[0], work[2])
    multiply(work[2], r, work[3])
    axis_rotation(n2, -root[1], work[1])
    multiply(work[1], work[3], work[2])
    root[2] = angle_of(n3, work[2])
    axis_rotation(n3, -root[2], work[1])
    multiply(work[3], work[1], work[2])
    root[1] = angle_of(n2, work[2])


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def three_axis(n1, n2, n3, r, roots, work):  # type: ignore[no-untyped-def]
    """Decompose ``r`` = R1(a) R2(b) R3(c).

    Writes (a, b, c) of both branches to ``roots`` (2, 3); ``work`` is (>= 4, 3, 3).
    Returns (excess, side): excess > 0 where no b brings n3 to r·n3, the roots then being the nearest; side is +1 or −1
    where R2 n3 lies along +n1 or −n1: then only a + side·c counts, given as a with c = 0; else 0.
    """
    turned, v, back, w = work[0, 0], work[0, 1], work[0, 2], work[1, 0]
    apply(r, n3, turned)
    apply_transposed(r, n1, back)
    level = dot(n1, turned)
    constant = dot(n1, n2) * dot(n2, n3)
    cosine, sine = dot(n1, n3) - constant, triple(n1, n2, n3)
    first, second, excess = harmonic_roots(cosine, sine, level - constant)
    if math.hypot(cosine, sine) < _COLLINEAR:
        excess = 1.0  # held axes between the three have made two of them parallel
    sine2 = 0.0
    for i in range(3):
        sine2 += (turned[i] - level * n1[i]) ** 2
    side = 0.0
    if sine2 < _COLLINEAR * _COLLINEAR:
        side = 1.0 if level > 0.0 else -1.0
    double = math.cos(first - second) > _NEARLY_ONE
    for branch in range(2):
        b = first if branch == 0 else second
        axis_rotation(n2, b, work[2])
        if side != 0.0:
            multiply_transposed(r, work[2], work[3])
            roots[branch, 0], roots[branch, 1], roots[branch, 2] = angle_of(n1, work[3]), b, 0.0
            continue
        apply(work[2], n3, v)
        apply_transposed(work[2], n1, w)
        roots[branch, 0], roots[branch, 1] = angle_between(n1, v, turned), b
        roots[branch, 2] = angle_between(n3, back, w)
        if double:
            _polish(n1, n2, n3, r, roots[branch], work)
    return excess, side
