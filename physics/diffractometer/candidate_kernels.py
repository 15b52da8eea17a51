"""Orientations from pairs of observed vectors, scored against the lattice and polished.

The score of an orientation U is Σᵢ ln[1 + (1 − ε) wⱼ N₃(qᵢ − U B hⱼ; Σᵢ) / (ε b)], hⱼ being the lattice point nearest
to qᵢ, wⱼ the chance that of all reflections j is the observed one, b the density of spurious ones in reciprocal space
and ε their share: the log likelihood relative to "every one is spurious".
"""

import math

import numpy as np
from numba import njit

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

_NONE = -1e20
_DEG = math.pi / 180.0


@njit(cache=True, error_model="numpy")
def nearest_point(u, b, b_inverse, q, log_weight, point, image):  # type: ignore[no-untyped-def]
    """Write the lattice point nearest to Uᵀq to ``point`` (3,) and U·B·h to ``image`` (3,); return its log weight."""
    size = log_weight.shape
    for i in range(3):
        total = 0.0
        for j in range(3):
            total += b_inverse[i, j] * (u[0, j] * q[0] + u[1, j] * q[1] + u[2, j] * q[2])
        point[i] = math.floor(total + 0.5)
        if abs(point[i]) > size[i] // 2:
            return _NONE
    for i in range(3):
        total = 0.0
        for j in range(3):
            total += u[i, j] * (b[j, 0] * point[0] + b[j, 1] * point[1] + b[j, 2] * point[2])
        image[i] = total
    return log_weight[point[0] + size[0] // 2, point[1] + size[1] // 2, point[2] + size[2] // 2]


@njit(cache=True, error_model="numpy")
def _square(p, d):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += d[i] * p[i, j] * d[j]
    return total


@njit(cache=True, error_model="numpy")
def _direction_score(u, seen, inverse_sigma2, named, first, gain):  # type: ignore[no-untyped-def]
    """Log likelihood of known directions, each along the nearest of its equivalents; adds to ``gain`` (12,)."""
    total = 0.0
    for m in range(seen.shape[0]):
        best, which = -2.0, -1
        for s in range(first[m], first[m + 1]):
            cosine = 0.0
            for i in range(3):
                cosine += seen[m, i] * (u[i, 0] * named[s, 0] + u[i, 1] * named[s, 1] + u[i, 2] * named[s, 2])
            if cosine > best:
                best, which = cosine, s
        angle = math.acos(min(1.0, max(-1.0, best)))
        total -= 0.5 * angle * angle * inverse_sigma2[m]
        g0 = u[0, 0] * named[which, 0] + u[0, 1] * named[which, 1] + u[0, 2] * named[which, 2]
        g1 = u[1, 0] * named[which, 0] + u[1, 1] * named[which, 1] + u[1, 2] * named[which, 2]
        g2 = u[2, 0] * named[which, 0] + u[2, 1] * named[which, 1] + u[2, 2] * named[which, 2]
        g = (g0, g1, g2)
        cross = (
            g1 * seen[m, 2] - g2 * seen[m, 1],
            g2 * seen[m, 0] - g0 * seen[m, 2],
            g0 * seen[m, 1] - g1 * seen[m, 0],
        )
        for i in range(3):
            gain[9 + i] += inverse_sigma2[m] * cross[i]
            for j in range(3):
                gain[3 * i + j] += inverse_sigma2[m] * ((1.0 if i == j else 0.0) - g[i] * g[j])
    return total


@njit(cache=True, error_model="numpy")
def score(u, b, b_inverse, q, precision, log_norm, log_weight, log_odds, soft, known, gain, hkl, belongs):  # type: ignore[no-untyped-def]
    """Return the score of one orientation; errors are taken ``soft`` times as large.

    Parameters
    ----------
    u : (3, 3); b, b_inverse : (3, 3)
    q : (n, 3); precision : (n, 3, 3) inverse covariances; log_norm : (n,) log of the Gaussian's norm
    log_weight : log of each lattice point's weight
    log_odds : ln((1 − ε)/(ε b))
    known : seen (m, 3), inverse squares of the errors (m,), named (s, 3), first (m + 1,)
    gain : (12,) is given the Gauss-Newton matrix and vector of a rotation
    hkl : (n, 3) int64, and belongs (n,), the probability that each is no spurious one, are written
    """
    gain[:] = 0.0
    total = _direction_score(u, known[0], known[1], known[2], known[3], gain)
    image, d = np.empty(3), np.empty(3)
    shrink = 1.0 / (soft * soft)
    for i in range(q.shape[0]):
        weight = nearest_point(u, b, b_inverse, q[i], log_weight, hkl[i], image)
        belongs[i] = 0.0
        if weight <= _NONE:
            continue
        for k in range(3):
            d[k] = q[i, k] - image[k]
        value = log_odds + weight + log_norm[i] - 3.0 * math.log(soft) - 0.5 * shrink * _square(precision[i], d)
        if value < -30.0:
            continue
        total += value + math.log1p(math.exp(-value)) if value > 0.0 else math.log1p(math.exp(value))
        share = 1.0 / (1.0 + math.exp(-value))
        belongs[i] = share
        # J = -[g]x : columns are w x g for unit w
        for a in range(3):
            ja = (0.0, 0.0, 0.0)
            if a == 0:
                ja = (0.0, -image[2], image[1])
            elif a == 1:
                ja = (image[2], 0.0, -image[0])
            else:
                ja = (-image[1], image[0], 0.0)
            pa0 = precision[i, 0, 0] * ja[0] + precision[i, 0, 1] * ja[1] + precision[i, 0, 2] * ja[2]
            pa1 = precision[i, 1, 0] * ja[0] + precision[i, 1, 1] * ja[1] + precision[i, 1, 2] * ja[2]
            pa2 = precision[i, 2, 0] * ja[0] + precision[i, 2, 1] * ja[1] + precision[i, 2, 2] * ja[2]
            gain[9 + a] += share * shrink * (pa0 * d[0] + pa1 * d[1] + pa2 * d[2])
            gain[3 * a + 0] += share * shrink * (-image[2] * pa1 + image[1] * pa2)
            gain[3 * a + 1] += share * shrink * (image[2] * pa0 - image[0] * pa2)
            gain[3 * a + 2] += share * shrink * (-image[1] * pa0 + image[0] * pa1)
    return total


@njit(cache=True, error_model="numpy")
def _solve_symmetric(gain, ridge, step):  # type: ignore[no-untyped-def]
    """Solve the 3 × 3 system of ``gain`` plus ``ridge`` on the diagonal; return the determinant."""
    a, e, i = gain[0] + ridge, gain[4] + ridge, gain[8] + ridge
    b, c, f = gain[1], gain[2], gain[5]
    determinant = a * (e * i - f * f) - b * (b * i - f * c) + c * (b * f - e * c)
    x, y, z = gain[9], gain[10], gain[11]
    step[0] = ((e * i - f * f) * x + (c * f - b * i) * y + (b * f - c * e) * z) / determinant
    step[1] = ((c * f - b * i) * x + (a * i - c * c) * y + (b * c - a * f) * z) / determinant
    step[2] = ((b * f - c * e) * x + (b * c - a * f) * y + (a * e - b * b) * z) / determinant
    return determinant


@njit(cache=True, error_model="numpy")
def _turn(u, step):  # type: ignore[no-untyped-def]
    """Turn ``u`` by the rotation vector ``step``, radians, in place."""
    angle = math.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
    if angle < 1e-14:
        return
    x, y, z = step[0] / angle, step[1] / angle, step[2] / angle
    c, s = math.cos(angle), math.sin(angle)
    t = 1.0 - c
    for k in range(3):
        u0, u1, u2 = u[0, k], u[1, k], u[2, k]
        u[0, k] = (c + t * x * x) * u0 + (t * x * y - s * z) * u1 + (t * x * z + s * y) * u2
        u[1, k] = (t * x * y + s * z) * u0 + (c + t * y * y) * u1 + (t * y * z - s * x) * u2
        u[2, k] = (t * x * z - s * y) * u0 + (t * y * z + s * x) * u1 + (c + t * z * z) * u2


@njit(cache=True, error_model="numpy")
def polish(us, b, b_inverse, q, precision, log_norm, log_weight, log_odds, known, ridge):  # type: ignore[no-untyped-def]
    """Polish orientations (c, 3, 3) in place.

    Returns
    -------
    score (c,), log determinant of the Gauss-Newton matrix (c,), matrix (c, 3, 3), hkl (c, n, 3), belongs (c, n)
    """
    count, n = us.shape[0], q.shape[0]
    scores, log_det = np.empty(count), np.empty(count)
    matrix = np.empty((count, 3, 3))
    hkl = np.zeros((count, n, 3), dtype=np.int64)
    belongs = np.zeros((count, n))
    gain, step = np.empty(12), np.empty(3)
    for c in range(count):
        for soft in (4.0, 2.0, 1.5, 1.0, 1.0, 1.0):
            score(
                us[c], b, b_inverse, q, precision, log_norm, log_weight, log_odds, soft, known, gain, hkl[c], belongs[c]
            )
            _solve_symmetric(gain, ridge, step)
            length = math.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
            if length > 0.05:
                for k in range(3):
                    step[k] *= 0.05 / length
            _turn(us[c], step)
        scores[c] = score(
            us[c], b, b_inverse, q, precision, log_norm, log_weight, log_odds, 1.0, known, gain, hkl[c], belongs[c]
        )
        log_det[c] = math.log(max(_solve_symmetric(gain, ridge, step), 1e-300))
        for i in range(3):
            for j in range(3):
                matrix[c, i, j] = gain[3 * i + j] + (ridge if i == j else 0.0)
    return scores, log_det, matrix, hkl, belongs


@njit(cache=True, error_model="numpy")
def _frame(first, second, out):  # type: ignore[no-untyped-def]
    """Write the right-handed frame of two unit vectors, which treats both alike; return the sine between them."""
    cross = np.empty(3)
    cross[0] = first[1] * second[2] - first[2] * second[1]
    cross[1] = first[2] * second[0] - first[0] * second[2]
    cross[2] = first[0] * second[1] - first[1] * second[0]
    sine = math.sqrt(cross[0] ** 2 + cross[1] ** 2 + cross[2] ** 2)
    if sine < 1e-6:
        return sine
    total = 0.0
    for i in range(3):
        out[i, 0] = first[i] + second[i]
        total += out[i, 0] ** 2
    total = math.sqrt(total)
    for i in range(3):
        out[i, 0] /= total
        out[i, 2] = cross[i] / sine
    out[0, 1] = out[1, 2] * out[2, 0] - out[2, 2] * out[1, 0]
    out[1, 1] = out[2, 2] * out[0, 0] - out[0, 2] * out[2, 0]
    out[2, 1] = out[0, 2] * out[1, 0] - out[1, 2] * out[0, 0]
    return sine


@njit(cache=True, error_model="numpy")
def _keep_best(us, scores, filled, keep):  # type: ignore[no-untyped-def]
    """Move the best ``keep`` to the front; return the worst of their scores."""
    order = np.argsort(-scores[:filled])[:keep]
    kept, values = us[order].copy(), scores[order].copy()
    us[:keep] = kept
    scores[:keep] = values
    return values[keep - 1]


@njit(cache=True, error_model="numpy")
def from_pairs(  # type: ignore[no-untyped-def]
    pairs, seen, spread, named, first, b, b_inverse, q, precision, log_norm, log_weight, log_odds, known, room, most
):
    """Make orientations of pairs of observed vectors and the crystal vectors that each may be.

    Parameters
    ----------
    pairs : (p, 2) indices into ``seen``
    seen : (m, 3) unit vectors in the mount frame
    spread : (m,) error of each direction, radians
    named : (s, 3) unit crystal vectors; row i of ``seen`` may be first[i, 0]:first[i, 1] as the first of a pair, and
        first[i, 2]:first[i, 3] as the second
    room : how many are kept at most
    most : how many crystal pairs are looked at in all

    Returns
    -------
    orientations (c, 3, 3), their scores with errors four times as large (c,), crystal pairs looked at
    """
    us, scores = np.empty((room, 3, 3)), np.empty(room)
    filled, looked, worst, best = 0, 0, -1e300, -1e300
    e_seen, e_named, u = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    gain = np.empty(12)
    hkl = np.zeros((q.shape[0], 3), dtype=np.int64)
    belongs = np.zeros(q.shape[0])
    for p in range(pairs.shape[0]):
        one, other = pairs[p, 0], pairs[p, 1]
        sine = _frame(seen[one], seen[other], e_seen)
        if sine < 0.02:
            continue
        cosine = seen[one, 0] * seen[other, 0] + seen[one, 1] * seen[other, 1] + seen[one, 2] * seen[other, 2]
        angle = math.atan2(sine, cosine)
        gate = 4.0 * math.sqrt(spread[one] ** 2 + spread[other] ** 2)
        low = -2.0 if angle + gate >= math.pi else math.cos(angle + gate)
        high = 2.0 if angle - gate <= 0.0 else math.cos(angle - gate)
        for j in range(first[one, 0], first[one, 1]):
            if looked > most:
                break
            looked += first[other, 3] - first[other, 2]
            for k in range(first[other, 2], first[other, 3]):
                value = named[j, 0] * named[k, 0] + named[j, 1] * named[k, 1] + named[j, 2] * named[k, 2]
                if value < low or value > high:
                    continue
                if _frame(named[j], named[k], e_named) < 1e-3:
                    continue
                for a in range(3):
                    for c in range(3):
                        u[a, c] = (
                            e_seen[a, 0] * e_named[c, 0] + e_seen[a, 1] * e_named[c, 1] + e_seen[a, 2] * e_named[c, 2]
                        )
                found = score(
                    u, b, b_inverse, q, precision, log_norm, log_weight, log_odds, 4.0, known, gain, hkl, belongs
                )
                if found < worst or found < best - 40.0:
                    continue
                best = max(best, found)
                if filled == room:
                    worst = _keep_best(us, scores, filled, room // 2)
                    filled = room // 2
                us[filled] = u
                scores[filled] = found
                filled += 1
    return us[:filled], scores[:filled], looked


@njit(cache=True, error_model="numpy")
def merge(us, rank, rotations, near_rad, most):  # type: ignore[no-untyped-def]
    """Return the indices of orientations, best first, that are no symmetry equivalent of a better one."""
    order = np.argsort(-rank)
    kept = np.empty(min(most, us.shape[0]), dtype=np.int64)
    count = 0
    limit = 1.0 + 2.0 * math.cos(near_rad)
    relative = np.empty((3, 3))
    for place in range(order.shape[0]):
        index = order[place]
        twin = False
        for m in range(count):
            for i in range(3):
                for j in range(3):
                    # U_keptᵀ U, whose trace with Sᵀ is that of U_kept S Uᵀ
                    relative[i, j] = (
                        us[kept[m], 0, i] * us[index, 0, j]
                        + us[kept[m], 1, i] * us[index, 1, j]
                        + us[kept[m], 2, i] * us[index, 2, j]
                    )
            for s in range(rotations.shape[0]):
                trace = 0.0
                for i in range(3):
                    for j in range(3):
                        trace += relative[i, j] * rotations[s, i, j]
                if trace > limit:
                    twin = True
                    break
            if twin:
                break
        if not twin:
            kept[count] = index
            count += 1
            if count == kept.shape[0]:
                break
    return kept[:count]
