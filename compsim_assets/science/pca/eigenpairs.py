"""The largest eigenpairs of a symmetric positive semi-definite matrix that fits in memory."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

# LAPACK's full decomposition in float64 up to this size: seconds, and as exact as it gets.
SMALL = 3000
# The Krylov method wins only where the wanted part is small: its basis is about twice as large as that.
_FULL_SHARE = 3
# Width of a block as a share of the wanted eigenpairs: with P / 20 a basis of 2 P vectors has seen 40 powers of
# the matrix, and measured cosines are then exact to 1e-6; wider blocks see fewer powers, narrower ones waste products.
_BLOCK_SHARE = 20
# The first size that is looked at, in quarters of k: each look is a dense eigenproblem, and smaller bases were never
# settled where the spectrum decays like that of texts.
_FIRST_LOOK = 9
# Largest basis, in multiples of the wanted eigenpairs (and of vectors): only a spectrum without decay needs more
# than 2 or 3.
_LARGEST_BASIS = (4, 512)
# Rounds of making a block orthogonal to the basis; one but for matrices whose rank the basis has reached.
_ATTEMPTS = 5
# Divides in place of a zero.
_NOTHING = torch.finfo(torch.float64).tiny
# Rows whose cosines are watched.
_WATCHED = 512


@dataclass(frozen=True)
class Eigenpairs:
    """The k largest eigenpairs.

    values: (k,) float64, descending. vectors: (n, k) in the matrix's dtype, orthonormal columns.
    method: "lapack" or "block krylov". basis: vectors of the Krylov basis (n for LAPACK).
    cosine_change: largest change of a watched cosine between the last two sizes of the basis (0 for LAPACK).
    residuals: |K u - l u| / l of the first, the middle and the last pair.
    """

    values: torch.Tensor
    vectors: torch.Tensor
    method: str
    basis: int
    cosine_change: float
    residuals: tuple[float, float, float]


def top_eigenpairs(
    matrix: torch.Tensor,
    k: int,
    *,
    tolerance: float = 1e-5,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    small: int = SMALL,
) -> Eigenpairs:
    """The k largest eigenpairs, by LAPACK where n is small or k close to n, else by a block Krylov method.

    Args:
        matrix: (n, n) symmetric, positive semi-definite up to rounding; float32 or float64.
        k: capped at n.
        tolerance: the Krylov basis grows until the cosines between rows of U L^(1/2) (PCA scores) change by less
            than this; single eigenvectors at the edge of the wanted part may still turn into their neighbours.
        seed: of the random starting block.
        progress: called with one line per stage.
        small: LAPACK up to this n.

    Returns:
        Where the basis reached its largest size first, `cosine_change` is above `tolerance`: the caller must look.

    Cost: LAPACK: about 9 n^3 flops, 3 n^2 float64. Krylov with a basis of m (2.4 k to 4 k) vectors: 2 n^2 m + 4 n m^2
    flops of matrix products in the matrix's dtype and 9 m^3 of LAPACK per check; memory beside the matrix n m values,
    3 m^2 float64.
    """
    n, k = len(matrix), min(k, len(matrix))
    if is_small(n, k, small):
        values, vectors = torch.linalg.eigh(matrix.double())
        values, vectors = values.flip(0)[:k], vectors.flip(1)[:, :k].to(matrix.dtype)
        basis, change, method = n, 0.0, "lapack"
    else:
        krylov = _BlockKrylov(matrix, k, seed)
        values, vectors, change = krylov.solve(tolerance, progress or (lambda line: None))
        basis, method = krylov.size, "block krylov"
    return Eigenpairs(
        values=values,
        vectors=vectors.contiguous(),
        method=method,
        basis=basis,
        cosine_change=change,
        residuals=_residuals(matrix, values, vectors),
    )


def is_small(n: int, k: int, small: int = SMALL) -> bool:
    """Whether LAPACK finds the k largest eigenpairs of an (n, n) matrix, all n of them in float64."""
    return n <= max(small, _FULL_SHARE * k)


def solver_bytes(n: int, k: int, value: int) -> int:
    """About how many bytes `top_eigenpairs` needs beside an (n, n) matrix of `value` bytes per number."""
    if is_small(n, k):
        return 3 * 8 * n**2
    # A basis that settles at its second size, its restriction, and LAPACK's copies and work space for that.
    basis = min(n, _FIRST_LOOK * k // 4 + max(8, k // 8))
    return value * n * basis + (value + 4 * 8) * basis**2


def _residuals(matrix: torch.Tensor, values: torch.Tensor, vectors: torch.Tensor) -> tuple[float, float, float]:
    k = len(values)
    if k == 0:
        return 0.0, 0.0, 0.0
    some = [0, k // 2, k - 1]
    left = vectors[:, some]
    residual = (matrix @ left).double() - left.double() * values[some]
    first, middle, last = (residual.norm(dim=0) / values[some].clamp_min(_NOTHING)).tolist()
    return first, middle, last


class _BlockKrylov:
    """Block Lanczos with full reorthogonalisation and Rayleigh-Ritz in float64 (Musco and Musco 2015, arXiv
    1504.05477; Golub and Van Loan, Matrix Computations, section 10.3).

    The basis holds an orthonormal basis of [G, K G, K^2 G, ...] as rows. K restricted to it is kept from the
    products that build it, so Rayleigh-Ritz costs no further product with K. It is solved in float64: LAPACK's
    float32 loses the small eigenpairs in the rounding of the largest one.
    """

    def __init__(self, matrix: torch.Tensor, k: int, seed: int) -> None:
        self.matrix, self.k, self.n = matrix, k, len(matrix)
        self.width = max(8, k // _BLOCK_SHARE)
        share, least = _LARGEST_BASIS
        # A whole number of blocks, and at most all n vectors.
        self.largest = min(max(share * k, least), self.n) // self.width * self.width
        self.size = 0
        self._generator = torch.Generator().manual_seed(seed)
        start = torch.randn(self.n, self.width, generator=self._generator, dtype=torch.float64)
        self._next = _orthonormal(start.to(matrix.device, matrix.dtype))
        self._basis = matrix.new_empty(self.largest, self.n)
        self._restricted = matrix.new_zeros(self.largest, self.largest)
        self._watched = _spread_out(self.n, _WATCHED)

    def solve(self, tolerance: float, progress: Callable[[str], None]) -> tuple[torch.Tensor, torch.Tensor, float]:
        """Grow the basis, first to 9/4 k, then by k / 8, until the watched cosines stand still."""
        change, before, target = float("inf"), None, _FIRST_LOOK * self.k // 4
        while True:
            self._grow(target)
            values, rotation = self._rayleigh_ritz()
            now = self._cosines(values, rotation), float(values.sum())
            if before is not None:
                # Of one component the cosines are only signs: the variance explained must stand still too.
                change = max(float((now[0] - before[0]).abs().max()), abs(now[1] - before[1]) / max(now[1], _NOTHING))
            progress(f"eigenpairs: basis of {self.size:,}, cosines changed by {change:.1e}")
            if change <= tolerance or self.size == self.largest:
                return values, self._basis[: self.size].T @ rotation.to(self._basis.dtype), change
            before, target = now, self.size + max(self.width, self.k // 8)

    def _grow(self, target: int) -> None:
        """Add blocks until there are `target` vectors; at least one block."""
        while self.size < min(target, self.largest):
            rows = slice(self.size, self.size + self.width)
            self._basis[rows] = self._next.T
            self.size = rows.stop
            basis = self._basis[: self.size]
            product = self.matrix @ self._next
            projection = basis @ product
            self._restricted[: self.size, rows] = projection
            product -= basis.T @ projection
            self._next = self._orthogonal_to_basis(_orthonormal(product))

    def _orthogonal_to_basis(self, fresh: torch.Tensor) -> torch.Tensor:
        """Orthonormal columns without what the basis holds; random ones where nothing else is left of them."""
        basis = self._basis[: self.size]
        for _ in range(_ATTEMPTS):
            fresh -= basis.T @ (basis @ fresh)
            length = fresh.norm(dim=0)
            # What kept its length is orthogonal to rounding ("twice is enough"); what was rounding goes round again.
            if bool((length > 0.5).all()) or self.size == self.largest:
                break
            drawn = torch.randn(fresh.shape, generator=self._generator, dtype=torch.float64)
            fresh = torch.where(length > 1e-3, fresh, drawn.to(fresh))
            fresh = _orthonormal(fresh)
        return _orthonormal(fresh)

    def _rayleigh_ritz(self) -> tuple[torch.Tensor, torch.Tensor]:
        upper = self._restricted[: self.size, : self.size].double().triu()
        values, rotation = torch.linalg.eigh(upper + upper.triu(1).T)
        return values.flip(0)[: self.k], rotation.flip(1)[:, : self.k]

    def _cosines(self, values: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
        rows = self._basis[: self.size, self._watched].double().T
        scores = rows @ rotation * values.clamp_min(0).sqrt()
        unit = torch.nn.functional.normalize(scores, dim=1)
        return unit @ unit.T


def _orthonormal(block: torch.Tensor) -> torch.Tensor:
    return torch.linalg.qr(block).Q


def _spread_out(n: int, most: int) -> torch.Tensor:
    """At most `most` of n positions, evenly spread."""
    return torch.arange(n) if n <= most else torch.linspace(0, n - 1, most).long()
